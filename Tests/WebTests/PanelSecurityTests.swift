// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import HostileText
import Operations
import Storage
import TestSupport
import Testing

@testable import Web

/// What pages of other places and texts from outside can do to the admin panel.
@Suite(.timeLimit(.minutes(10)))
struct PanelSecurityTests {
    // MARK: Forms of other pages

    @Test func formsNeedTheTokenOfTheirBrowser() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            var other = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            _ = try await other.get("/admin/users/new")
            let right = try #require(browser.token)
            let others = try #require(other.token)
            let user = [("login", "eve"), ("password", "secret word")]

            #expect(right != others)
            #expect(try await browser.send("/admin/users/new", user).status == 403)
            for wrong in ["", "0", others, String(right.dropLast()), right.uppercased() + " "] {
                let answer = try await browser.post("/admin/users/new", user, token: wrong)
                #expect(answer.status == 403)
                #expect(answer.body.contains("nothing was done"))
            }
            await #expect(throws: OperationError.self) { try await panel.run(ShowUser(login: "eve")) }

            #expect(try await browser.post("/admin/users/new", user, token: right).status == 303)
            _ = try await panel.run(ShowUser(login: "eve"))
        }
    }

    @Test func everyChangeNeedsAToken() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            for (path, _) in AdminPanel.changed {
                #expect(try await browser.send(path, [("form_token", "x")]).status == 403, "\(path)")
            }
            #expect(try await browser.get("/admin").status == 200)
        }
    }

    @Test(arguments: [
        ["Origin: https://evil.example"], ["Origin: null"], ["Origin: http://localhost:81"],
        ["Origin: https://localhost"], ["Origin: http://localhost", "Origin: http://localhost"],
        ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site", "Origin: http://localhost"],
    ])
    func formsOfOtherPagesAreRefused(headers: [String]) async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            browser.origin = headers

            let answer = try await browser.post("/admin/users/new", [("login", "eve"), ("password", "x")])
            var stranger = panel.browser()
            _ = try await stranger.get("/admin/login")
            stranger.origin = headers
            let login = try await stranger.post(
                "/admin/login",
                [("username", PanelUnderTest.administrator), ("password", PanelUnderTest.password)])

            #expect(answer.status == 403)
            #expect(login.status == 403)
            #expect(stranger.cookies["parley_admin"] == nil)
            await #expect(throws: OperationError.self) { try await panel.run(ShowUser(login: "eve")) }
        }
    }

    @Test func loginNeedsTheTokenOfItsPage() async throws {
        try await withPanel { panel in
            var browser = panel.browser()
            let fields = [("username", PanelUnderTest.administrator), ("password", PanelUnderTest.password)]
            #expect(try await browser.post("/admin/login", fields, token: "x").status == 403)
            _ = try await browser.get("/admin/login")
            #expect(try await browser.post("/admin/login", fields, token: "x").status == 403)
            #expect(browser.cookies["parley_admin"] == nil)
            #expect(try await browser.post("/admin/login", fields).status == 303)
        }
    }

    // MARK: Headers

    @Test func pagesRunNothingElseAndAreFramedByNobody() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            var stranger = panel.browser()
            stranger.headers = ["Host: evil.example"]
            var answers: [(String, WebServer.Response)] = []
            for (path, _) in AdminPanel.shown { answers.append((path, try await browser.get(path))) }
            for path in ["/admin/login", "/admin/panel.css", "/admin/panel.js"] {
                answers.append((path, try await browser.get(path)))
            }
            answers.append(("refused", try await stranger.get("/admin/login")))
            answers.append(("not logged in", try await stranger.get("/admin")))

            for (path, answer) in answers {
                let policy = (answer.headers["content-security-policy"] ?? "").split(separator: ";")
                    .map { $0.drop { $0 == " " } }
                #expect(policy.contains("default-src 'none'"), "\(path)")
                #expect(policy.contains("script-src 'self'"), "\(path)")
                #expect(policy.contains("style-src 'self'"), "\(path)")
                #expect(policy.contains("frame-ancestors 'none'"), "\(path)")
                #expect(policy.contains("form-action 'self'"), "\(path)")
                #expect(policy.contains("base-uri 'none'"), "\(path)")
                #expect(answer.headers["x-content-type-options"] == "nosniff", "\(path)")
                #expect(answer.headers["x-frame-options"] == "DENY", "\(path)")
                #expect(answer.headers["referrer-policy"] == "same-origin", "\(path)")
                #expect(answer.headers["cache-control"] == "no-store", "\(path)")
            }
        }
    }

    @Test func pagesHaveNoScriptOrStyleOfTheirOwn() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            for (path, _) in AdminPanel.shown {
                let body = try await browser.get(path).body
                for word in ["<style", " style=", " onclick=", " onload=", "javascript:", "http://", "https://"] {
                    #expect(!body.replacing("http://www.w3.org/2000/svg", with: "").contains(word), "\(path) \(word)")
                }
                #expect(body.components(of: "<script") == body.components(of: "<script src=\"/admin/panel.js\" defer>"))
            }
        }
    }

    // MARK: Addresses and templates

    @Test(arguments: [
        "/admin/../home.mustache", "/admin/..%2f..%2fetc%2fpasswd", "/admin/%2e%2e/%2e%2e/etc/passwd",
        "/admin/admin-head.mustache", "/admin/panel.css/../../chat", "/admin//users", "/admin/users/", "/admin/nowhere",
        "/administrator", "/admin/users/show/../../panel.css", "/admin\\users",
    ])
    func otherAddressesHaveNoPage(path: String) async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            let answer = try await browser.get(path)
            #expect(answer.status == 404)
            #expect(!answer.body.contains("form_token"))
        }
    }

    @Test(arguments: ["?login=%", "?login=%zz", "?login=%ff", "?" + String(repeating: "a=b&", count: 200)])
    func brokenFieldsAreRefused(query: String) async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            #expect(try await browser.get("/admin/users/show" + query).status == 400)
        }
    }

    @Test func largeFormsAreRefused() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            let user = [("login", "eve"), ("password", "secret word")]

            let answer = try await browser.post(
                "/admin/users/new", user + [("email", String(repeating: "a", count: 70_000))])

            #expect(answer.status == 413)
            await #expect(throws: OperationError.self) { try await panel.run(ShowUser(login: "eve")) }
        }
    }

    @Test func textsFromOutsideStayText() async throws {
        try await withPanel { panel in
            let script = "<script>alert('1')</script>&\"\u{301}x"
            let login = "eve\"'<b>"
            try await panel.run(CreateUser(login: login, username: script, password: SecretText("secret word")))
            let flow = try await panel.run(CreateFlow(owner: login, type: .group, title: script, info: script))
            let eve = try await panel.test.logIn(login, password: "secret word").principal
            _ = try await panel.test.send(script, to: try #require(Identifier(decimal: flow.uuid)), by: eve)
            try await panel.run(CreateInvite(note: script))
            var browser = try await panel.loggedIn()
            let key = AddressText.encoded(login)

            for path in [
                "/admin/users", "/admin/users?search=\(AddressText.encoded(script))", "/admin/users/show?login=\(key)",
                "/admin/users/delete?login=\(key)", "/admin/flows", "/admin/flows?title=\(AddressText.encoded(script))",
                "/admin/flows/show?flow=\(flow.row)", "/admin/flows/delete?flow=\(flow.row)", "/admin/invites",
                "/admin/messages?words=\(AddressText.encoded("alert <script>\""))", "/admin/administrators",
                "/admin/administrators/delete?username=\(AddressText.encoded(script))",
            ] {
                let answer = try await browser.get(path)
                #expect(answer.status == 200, "\(path)")
                #expect(!answer.body.contains("<script>"), "\(path)")
                #expect(!answer.body.contains("eve\"'<b>"), "\(path)")
                let hasQuote = answer.body.utf8Contains(script.suffix(2))
                #expect(!hasQuote, "\(path)")
            }
            let shown = try await browser.get("/admin/flows/show?flow=\(flow.row)").body
            #expect(shown.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot"))
        }
    }

    @Test func formsAreReadInProportionToTheirLength() {
        let slowdown = HostileText.slowdown { text in
            var fields = FormFields("\(AddressText.encoded(text))=\(AddressText.encoded(text))&login=a".utf8)
            #expect(fields?["login"] == "a")
            fields = FormFields(
                "login=\(AddressText.encoded(text))&\(FormFields.fieldName)=\(AddressText.encoded(text))".utf8)
            #expect(!FormToken(cookie: "x").isIn(fields ?? FormFields()))
        }

        #expect(slowdown < HostileText.tolerance)
    }

    // MARK: The operator's templates

    @Test func templateOfTheFolderReplacesAPage() async throws {
        let folder = try TemporaryFolder()
        try folder.write("<h1>{{title}} of ours</h1>{{#users}}{{login}}{{/users}}", to: "admin-users.mustache")
        try await withPanel(templatesFolder: folder.path) { panel in
            var browser = try await panel.loggedIn()
            #expect(try await browser.get("/admin/users").body == "<h1>Users of ours</h1>root-account")
            #expect(try await browser.get("/admin/flows").body.contains("<!DOCTYPE html>"))
        }
    }

    @Test func brokenTemplateIsNamed() throws {
        let folder = try TemporaryFolder()
        try folder.write("one\n{{#users}}\n", to: "admin-users.mustache")

        let error = try #require(throws: TemplateError.self) { try WebService.checkTemplates(in: folder.path) }

        #expect(error.path == folder.path("admin-users.mustache"))
        #expect(error.line == 3)
    }
}

extension FormFields {
    fileprivate static var fieldName: String { FormToken.fieldName }
}

extension String {
    fileprivate func components(of word: String) -> Int { ranges(of: word).count }

    fileprivate func utf8Contains(_ word: Substring) -> Bool {
        Array(utf8).firstRange(of: Array(word.utf8)) != nil
    }
}
