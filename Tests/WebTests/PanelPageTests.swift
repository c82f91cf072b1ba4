// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Operations
import Storage
import Testing

@testable import Web

/// What administrators see and change in the panel.
@Suite(.timeLimit(.minutes(10)))
struct PanelPageTests {
    @Test func accountsAreCreatedChangedAndDeleted() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            let created = try await browser.post(
                "/admin/users/new",
                [("login", "alice & co"), ("username", ""), ("password", "secret word"), ("email", "a@example.org")])
            #expect(created.status == 303)
            #expect(created.headers["location"] == "/admin/users/show?login=alice%20%26%20co&done=created")
            var page = try await browser.get(try #require(created.headers["location"]))
            #expect(page.body.contains("role=\"status\">Created.<"))
            #expect(page.body.contains("<h1>alice &amp; co</h1>"))

            let changed = try await browser.post(
                "/admin/users/update",
                [
                    ("login", "alice & co"), ("new_login", "alice"), ("username", "Alice"), ("email", ""),
                    ("bio", "hello"),
                    ("is_bot", "1"),
                ])
            #expect(changed.status == 303)
            let alice = try await panel.run(ShowUser(login: "alice")).user
            #expect((alice.username, alice.email, alice.bio) == ("Alice", "", "hello"))
            #expect(alice.isBot)

            let old = try await panel.test.logIn("alice", password: "secret word")
            #expect(
                try await browser.post("/admin/users/password", [("login", "alice"), ("password", "another one")])
                    .status
                    == 303)
            await #expect(throws: ChatError.tokenRevoked) {
                try await panel.test.chat.restore(token: TokenHash(of: old.token), within: 3600)
            }
            try await panel.test.logIn("alice", password: "another one")
            page = try await browser.get("/admin/users/show?login=alice")
            #expect(
                page.body.contains("<th scope=\"row\">test <span class=\"tag\">offline</span></th><td>192.0.2.1</td>"))
            #expect(try await browser.post("/admin/users/logout", [("login", "alice")]).status == 303)
            #expect(try await panel.run(ListSessions(login: "alice")).sessions.isEmpty)

            _ = try await browser.post(
                "/admin/users/limits",
                [("login", "alice"), ("limit-write", "10/m"), ("limit-flows", "3"), ("limit-login", "")])
            let limits = try await panel.run(LimitUser(login: "alice")).limits
            #expect(limits[.write]?.hasPrefix("10/m") == true && limits[.flows] == "3" && limits.count == 2)

            page = try await browser.get("/admin/users/delete?login=alice")
            #expect(page.body.contains("What it wrote stays"))
            _ = try await panel.run(ShowUser(login: "alice"))
            #expect(try await browser.post("/admin/users/delete", [("login", "alice")]).status == 303)
            await #expect(throws: OperationError.self) { try await panel.run(ShowUser(login: "alice")) }
        }
    }

    @Test func failuresAreToldInTheOperationsOwnWords() async throws {
        try await withPanel { panel in
            try await panel.user("alice")
            try await panel.user("bob")
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")

            let taken = try await browser.post(
                "/admin/users/new", [("login", "alice"), ("password", "x"), ("email", "a@b")])
            #expect(taken.status == 409)
            #expect(taken.body.contains("A user with login &#39;alice&#39; exists already."))
            #expect(taken.body.contains("name=\"login\" value=\"alice\""))
            #expect(taken.body.contains("name=\"email\" value=\"a@b\""))
            let renamed = try await browser.post("/admin/users/update", [("login", "bob"), ("new_login", "alice")])
            #expect(renamed.status == 409)
            #expect(renamed.body.contains("<h1>bob</h1>"))
            let limits = try await browser.post("/admin/users/limits", [("login", "bob"), ("limit-write", "fast")])
            #expect(limits.status == 400)
            #expect(limits.body.contains("&#39;fast&#39; is not a rate."))
            let missing = try await browser.get("/admin/users/show?login=nobody")
            #expect(missing.status == 404)
            #expect(missing.body.contains("No user with login &#39;nobody&#39;."))
            #expect(try await browser.post("/admin/flows/delete", [("flow", "77")]).status == 404)
            #expect(try await browser.post("/admin/nodes/drain", [("node", "nowhere")]).status == 404)
            #expect(try await browser.post("/admin/invites", [("uses", "many")]).status == 400)
            let past = [("uses", "1"), ("days", "\(Int64.min)")]
            #expect(try await browser.post("/admin/invites", past).status == 400)
            #expect(try await browser.post("/admin/invites/revoke", [("id", "abcdef")]).status == 404)
        }
    }

    @Test func listsHavePages() async throws {
        try await withPanel { panel in
            for number in 0..<AdminPanel.pageSize { try await panel.user("person-\(number)") }
            var browser = try await panel.loggedIn()

            let first = try await browser.get("/admin/users").body
            let begin = try #require(first.firstRange(of: "/admin/users?search=&amp;after="))
            let after = first[begin.upperBound...].prefix { $0 != "\"" }
            let second = try await browser.get("/admin/users?search=&after=\(after)").body

            #expect(first.contains(">person-48<") && !first.contains(">person-49<"))
            #expect(second.contains(">person-49<") && !second.contains(">person-48<"))
            #expect(!second.contains("Next page"))
            let found = try await browser.get("/admin/users?search=SON-7").body
            #expect(found.contains(">person-7<") && !found.contains(">person-8<"))
        }
    }

    @Test func flowsAreCreatedChangedAndDeleted() async throws {
        try await withPanel { panel in
            for login in ["alice", "bob", "carol"] { try await panel.user(login) }
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/flows/new")
            let created = try await browser.post(
                "/admin/flows/new",
                [
                    ("owner", "alice"), ("type", "channel"), ("title", "News"), ("info", ""),
                    ("members", "bob,\r\n carol"),
                ])
            #expect(created.status == 303)
            let flow = try await panel.run(ShowFlow(uuid: "News"))
            #expect(flow.flow.type == "channel")
            #expect(Set(flow.members) == ["alice", "bob", "carol"])
            let row = "\(flow.flow.row)"

            #expect(
                try await browser.post("/admin/flows/members/remove", [("flow", row), ("login", "carol")]).status == 303
            )
            #expect(try await panel.run(ShowFlow(uuid: row)).members == ["alice", "bob"])
            #expect(
                try await browser.post("/admin/flows/members/add", [("flow", row), ("login", "carol")]).status == 303)
            #expect(try await panel.run(ShowFlow(uuid: row)).members == ["alice", "bob", "carol"])
            let owner = try await browser.post("/admin/flows/members/remove", [("flow", row), ("login", "alice")])
            #expect(owner.status == 403)
            #expect(owner.body.contains("The owner &#39;alice&#39; cannot be removed."))

            #expect(
                try await browser.post(
                    "/admin/flows/update",
                    [("flow", row), ("title", "Old news"), ("info", "i"), ("type", "group"), ("owner", "bob")]
                ).status == 303)
            let changed = try await panel.run(ShowFlow(uuid: row)).flow
            #expect((changed.title, changed.info, changed.type, changed.owner) == ("Old news", "i", "group", "bob"))

            let plan = try await browser.get("/admin/flows/delete?flow=\(row)").body
            #expect(plan.contains("alice, bob, carol"))
            #expect(try await browser.post("/admin/flows/delete", [("flow", row)]).status == 303)
            await #expect(throws: OperationError.self) { try await panel.run(ShowFlow(uuid: row)) }
        }
    }

    @Test func messagesAreReadFoundAndDeleted() async throws {
        try await withPanel { panel in
            let test = panel.test
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            for number in 0..<120 { try await test.send("line \(number) of the tale", to: flow, by: alice) }
            _ = try await test.storage.indexForSearch(text: MessageContent.searchText)
            var browser = try await panel.loggedIn()

            let newest = try await browser.get("/admin/flows/show?flow=1").body
            #expect(newest.contains("line 119 of") && newest.contains("line 70 of") && !newest.contains("line 69 of"))
            #expect(newest.contains("/admin/flows/show?flow=1&amp;after=20"))
            #expect(!newest.contains(">Newer<"))
            let oldest = try await browser.get("/admin/flows/show?flow=1&after=0").body
            #expect(oldest.contains("line 0 of") && oldest.contains("line 49 of") && !oldest.contains("line 50 of"))
            #expect(oldest.contains("after=50\">Newer<") && !oldest.contains(">Older<"))
            #expect(try await browser.get("/admin/flows/show?flow=1&after=999999999").status == 200)

            let found = try await browser.get("/admin/messages?words=tale+42").body
            #expect(found.contains("line 42 of") && !found.contains("line 43 of"))
            let message = try await panel.run(ShowMessage(uuid: "1:42"))
            let plan = try await browser.get("/admin/messages/delete?message=\(message.uuid)").body
            #expect(plan.contains("line 42 of the tale"))
            #expect(try await browser.post("/admin/messages/delete", [("message", message.uuid)]).status == 303)
            #expect(try await panel.run(ShowMessage(uuid: "1:42")).isDeleted)
        }
    }

    @Test func invitationsAreShownOnceAndRevoked() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/invites")
            let created = try await browser.post("/admin/invites", [("uses", "3"), ("days", "2"), ("note", "for bob")])
            #expect(created.status == 200)
            #expect(created.body.contains("<code id=\"code\">"))
            let invite = try #require(try await panel.run(ListInvites()).invites.first)
            #expect((invite.usesLeft, invite.note) == (3, "for bob"))

            let list = try await browser.get("/admin/invites").body
            #expect(list.contains(invite.id) && !list.contains("id=\"code\""))
            #expect(try await browser.post("/admin/invites/revoke", [("id", invite.id)]).status == 303)
            #expect(try await panel.run(ListInvites()).invites.isEmpty)
        }
    }

    @Test func administratorsAreCreatedAndDeleted() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/administrators")
            let fields = [("username", "second"), ("login", "second"), ("password", "a secret of two")]
            #expect(try await browser.post("/admin/administrators", fields).status == 303)
            var second = panel.browser()
            #expect(try await second.logIn("second", "a secret of two").status == 303)

            #expect(try await browser.post("/admin/administrators/delete", [("username", "second")]).status == 303)

            #expect(try await second.get("/admin").status == 303)
            #expect(try await panel.run(ListSuperusers()).superusers.map(\.username) == [PanelUnderTest.administrator])
        }
    }

    @Test func changesAreInTheAudit() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            _ = try await browser.post("/admin/users/new", [("login", "alice"), ("password", "a secret word")])
            _ = try await browser.post("/admin/users/new", [("login", "alice"), ("password", "a secret word")])

            let records = try await panel.run(ListAudit(what: "user")).items
            let page = try await browser.get("/admin/audit?who=admin&what=user").body
            let login = try await browser.get("/admin/audit?what=panel").body

            #expect(records.map(\.what) == ["user.create", "user.create"])
            #expect(records.map(\.result) == [.refused, .done])
            #expect(records.allSatisfy { $0.face == "web" && $0.who == "admin" && $0.address == "127.0.0.1" })
            #expect(page.contains("admin, web 127.0.0.1") && page.contains(">exists<"))
            #expect(!page.contains("a secret word"))
            #expect(login.contains("panel.login"))
            #expect(try await browser.get("/admin/audit?who=nobody").body.contains("No record was found."))
        }
    }

    @Test func overviewShowsWhatHappened() async throws {
        try await withPanel { panel in
            var report = try await panel.run(MeasureServer())
            report.uptime = 1000
            panel.history.note(report)
            for step in 1...3 {
                report.uptime += 2000
                report.messages += UInt64(step) * 20
                report.connections = ["mtp": step]
                panel.history.note(report)
            }
            var browser = try await panel.loggedIn()

            for path in ["/admin", "/admin/live"] {
                let page = try await browser.get(path).body
                #expect(page.contains("Messages a second over the last five minutes: now 30.0, highest 30.0"))
                #expect(page.contains("Logged-in connections over the last five minutes: now 3, highest 3"))
                #expect(page.contains("1.0 GiB of 4.0 GiB"))
                #expect(page.contains("<polyline points="))
            }
            #expect(try await browser.get("/admin").body.contains("SQLite 3."))
        }
    }

    @Test func historyIsBounded() async throws {
        try await withPanel { panel in
            var report = try await panel.run(MeasureServer())
            for _ in 0..<400 {
                report.uptime += 2000
                panel.history.note(report)
            }
            #expect(panel.history.now.points.count == ServerHistory.capacity)
        }
    }
}

struct FormFieldsTests {
    @Test func fieldsAreDecoded() throws {
        let fields = try #require(FormFields("a=1&b=x+y%26z&c&d=%C3%A9&a=2&=e".utf8))

        #expect(fields["a"] == "1")
        #expect(fields.number("a") == 1)
        #expect(fields["b"] == "x y&z")
        #expect(fields["c"] == "")
        #expect(fields.isOn("c") && !fields.isOn("e"))
        #expect(fields["d"] == "é")
        #expect(fields["f"] == nil)
        #expect(fields.text("f") == "")
    }

    @Test(arguments: ["a=%", "a=%1", "a=%g1", "a=%ff", "%c3=a", "a=%c3"])
    func brokenFieldsAreNone(text: String) {
        #expect(FormFields(text.utf8) == nil)
    }

    @Test func fieldsAreCounted() {
        let field = "a=b&"
        #expect(FormFields(String(repeating: field, count: FormFields.maximumFields).utf8) != nil)
        #expect(FormFields(String(repeating: field, count: FormFields.maximumFields + 1).utf8) == nil)
    }

    @Test(arguments: ["", "-1", "1.5", "1234567890123456789", " 1", "a"])
    func whatIsNoNumberIsNone(text: String) throws {
        #expect(try #require(FormFields("n=\(AddressText.encoded(text))".utf8)).number("n") == nil)
    }

    @Test(arguments: ["", "plain", "a b+c&d=e%", "é\u{301}\"<>", "\u{0}\n"])
    func whatIsEncodedIsDecoded(text: String) throws {
        let fields = try #require(FormFields("x=\(AddressText.encoded(text))".utf8))
        #expect(fields.text("x").utf8.elementsEqual(text.utf8))
    }
}
