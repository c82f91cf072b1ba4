// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Glibc
import Operations
import Synchronization
import TestSupport
import Testing

@testable import Web

/// The pages about the server itself: its log, its settings, its backups.
@Suite(.timeLimit(.minutes(10)))
struct PanelServerTests {
    private static let port = ListSettings.Setting(
        section: "SERVER", name: "NAME", value: "<Parley>", coming: nil, source: "default", standard: "Parley",
        summary: "What the server calls itself.", needsRestart: false, isChangeable: true)
    private static let secret = ListSettings.Setting(
        section: "ADMIN", name: "SECRET_KEY", value: "********", coming: nil, source: "config.ini:3", standard: nil,
        summary: "Secret.", needsRestart: true, isChangeable: false)

    // MARK: Log

    @Test func logIsShownAndEscaped() async throws {
        try await withPanel { panel in
            panel.running.log("<script>alert(1)</script>", level: "ERROR")
            var browser = try await panel.loggedIn()
            let page = try await browser.get("/admin/log?level=DEBUG&module=Transport")
            #expect(page.status == 200)
            #expect(page.body.contains("&lt;script&gt;alert(1)"))
            #expect(page.body.contains("peer=&lt;b&gt;192.0.2.1"))
            #expect(page.body.contains("<option selected>DEBUG</option>"))
            #expect(page.body.contains("data-events=\"/admin/log/events?watch=7\""))
        }
    }

    /// An administrator who is deleted while the log is shown gets no line more, and the stream ends.
    @Test func followedLogEndsWithTheAdministrator() async throws {
        try await withPanel { panel in
            panel.running.log("before")
            var browser = try await panel.loggedIn()
            let follower = browser
            async let stream = { [follower] in
                var follower = follower
                return try await follower.get("/admin/log/events?watch=7")
            }()
            // What the first read gave has been sent when the second one begins.
            while panel.running.state.withLock({ $0.reads < 2 }) { await Task.yield() }
            _ = try await browser.get("/admin/administrators")
            _ = try await browser.post(
                "/admin/administrators/delete", [("username", PanelUnderTest.administrator)])
            panel.running.log("after")

            let answer = try await stream
            #expect(answer.headers["content-type"] == "text/event-stream")
            #expect(answer.body.contains("data: <li>"))
            #expect(answer.body.contains("before"))
            #expect(!answer.body.contains("after"))
            #expect(try await browser.get("/admin/log").headers["location"] == "/admin/login?ended=1")
        }
    }

    // MARK: Settings

    @Test func settingIsChangedWithARecordThatDoesNotShowIt() async throws {
        try await withPanel { panel in
            panel.running.state.withLock { $0.settings = [Self.port, Self.secret] }
            var browser = try await panel.loggedIn()
            let list = try await browser.get("/admin/settings").body
            #expect(list.contains("&lt;Parley&gt;"))
            #expect(list.contains("/admin/settings/change?key=SERVER.NAME"))
            #expect(!list.contains("key=ADMIN.SECRET_KEY"))
            #expect(try await browser.get("/admin/settings/change?key=ADMIN.SECRET_KEY").status == 404)

            _ = try await browser.get("/admin/settings/change?key=SERVER.NAME")
            let bad = try await browser.post("/admin/settings/change", [("key", "SERVER.NAME"), ("value", "bad")])
            #expect(bad.status == 400)
            #expect(bad.body.contains("&#39;bad&#39; is no &lt;number&gt;."))
            #expect(bad.body.contains("value=\"bad\""))
            let good = try await browser.post("/admin/settings/change", [("key", "SERVER.NAME"), ("value", "Else")])
            #expect(good.headers["location"] == "/admin/settings?done=applied")
            #expect(try await browser.get("/admin/settings?done=applied").body.contains("Saved, and in force."))

            let records = try await panel.run(ListAudit(what: "config.set")).items
            #expect(records.map(\.result) == [.done, .refused])
            #expect(records.allSatisfy { $0.target == "SERVER.NAME" && !$0.parameters.contains("Else") })
        }
    }

    // MARK: Backups

    @Test func backupIsMadeAsAJobAndSentToAdministratorsOnly() async throws {
        let folder = try TemporaryFolder()
        try folder.write("0123", to: "backup")
        try await withPanel { panel in
            panel.running.state.withLock { $0.path = folder.path("backup") }
            var browser = try await panel.loggedIn()
            #expect(try await browser.get("/admin/backups").body.contains("There is no backup."))
            #expect(try await browser.post("/admin/backups", []).headers["location"] == "/admin/backups?done=started")
            try await browser.waits(for: "parley-1.tar.gz", at: "/admin/backups/live")
            _ = try await browser.post("/admin/backups/verify", [("name", "parley-1.tar.gz")])
            try await browser.waits(for: "The archive parley-1.tar.gz is &lt;torn&gt;.", at: "/admin/backups/live")

            let name = [("name", "parley-1.tar.gz")]
            let file = try await browser.post("/admin/backups/download", name)
            #expect(file.status == 200 && file.body == "0123")
            #expect(file.headers["content-disposition"] == "attachment; filename=\"parley-1.tar.gz\"")
            #expect(file.headers["content-type"] == "application/gzip")
            for other in ["../backup", "backup", "", "parley-1.tar.gz/../../etc/passwd"] {
                #expect(try await browser.post("/admin/backups/download", [("name", other)]).status == 404)
            }
            #expect(try await browser.send("/admin/backups/download", name).status == 403)
            var stranger = panel.browser()
            #expect(try await stranger.send("/admin/backups/download", name).headers["location"] == "/admin/login")

            let done = try await panel.run(ListAudit(what: "backup")).items.filter { $0.result == .done }
            #expect(done.map(\.what) == ["backup.download", "backup.create"])
            #expect(done.first?.target == "parley-1.tar.gz")
        }
    }
}

extension PanelServerTests {
    /// An administrator who is deleted while a backup is sent does not get the rest of it.
    @Test func downloadEndsWithTheAdministrator() async throws {
        let folder = try TemporaryFolder()
        let size = 64 << 20
        try folder.write("", to: "backup")
        #expect(truncate(folder.path("backup"), size) == 0)
        try await withPanel { panel in
            let backup = BackupReport(
                name: "parley-1.tar.gz", bytes: size, created: "2026-01-31T12:00:00Z", program: nil, engine: nil)
            panel.running.state.withLock { state in
                state.path = folder.path("backup")
                state.backups = [backup]
            }
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/backups")

            let answer = try await browser.post("/admin/backups/download", [("name", backup.name)]) {
                try await panel.run(DeleteSuperuser(username: PanelUnderTest.administrator))
            }

            #expect(answer.status == 200)
            #expect(answer.headers["content-length"] == "\(size)")
            #expect(answer.body.utf8.count < size / 2)
        }
    }
}

extension PanelBrowser {
    /// Asks for a page until it has a text, as an open page does.
    fileprivate mutating func waits(for text: String, at path: String) async throws {
        while true {
            if try await get(path).body.contains(text) { return }
            await Task.yield()
        }
    }
}
