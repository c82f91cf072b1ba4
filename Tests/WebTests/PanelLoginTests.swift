// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Operations
import Storage
import TestSupport
import Testing

@testable import Credentials
@testable import Web

/// Who comes in to the admin panel, and for how long.
@Suite(.timeLimit(.minutes(10)))
struct PanelLoginTests {
    @Test func strangersAreSentToTheLoginFromEveryPage() async throws {
        try await withPanel { panel in
            var browser = panel.browser()
            for (path, _) in AdminPanel.shown {
                let answer = try await browser.get(path)
                #expect(answer.status == 303, "\(path)")
                #expect(answer.headers["location"] == "/admin/login", "\(path)")
                #expect(answer.body.isEmpty)
            }
            for (path, _) in AdminPanel.changed {
                let answer = try await browser.post(path, [])
                #expect(answer.headers["location"] == "/admin/login", "\(path)")
            }
        }
    }

    @Test func cookieIsForThePanelAloneAndOutOfReachOfScripts() async throws {
        try await withPanel { panel in
            var browser = panel.browser()
            let answer = try await browser.logIn()

            #expect(answer.status == 303)
            #expect(answer.headers["location"] == "/admin")
            let cookie = try #require(answer.cookies.first { $0.hasPrefix("parley_admin=") })
            let flags = cookie.split(separator: ";").dropFirst().map { $0.drop { $0 == " " } }
            #expect(Set(flags) == ["Path=/admin", "Max-Age=43200", "HttpOnly", "SameSite=Strict"])
            #expect(try await browser.get("/admin").status == 200)
        }
    }

    @Test func cookieIsSecureBehindAProxyThatSpeaksTLS() async throws {
        try await withPanel { panel in
            var browser = panel.browser()
            browser.headers = ["Host: chat.example", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"]
            browser.origin = ["Origin: https://chat.example"]

            let page = try await browser.get("/admin/login")
            let answer = try await browser.logIn()

            #expect(page.cookies.allSatisfy { $0.hasSuffix("; Secure") })
            #expect(answer.status == 303)
            #expect(!answer.cookies.isEmpty && answer.cookies.allSatisfy { $0.hasSuffix("; Secure") })
        }
    }

    @Test(arguments: [
        (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http"], 403), (["X-Forwarded-For: 203.0.113.9"], 403),
        (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"], 200), ([], 200), (["Host: 127.0.0.1:80"], 200),
        // A name server elsewhere may have its name point here.
        (["Host: evil.example"], 403), (["Host: localhost.evil.example"], 403),
    ])
    func panelIsShownOverTLSAndToThisMachineOnly(headers: [String], status: Int) async throws {
        try await withPanel { panel in
            var browser = panel.browser()
            browser.headers = headers

            let answer = try await browser.get("/admin/login")

            #expect(answer.status == status)
        }
    }

    @Test func nameAndPasswordAreRefusedAlike() async throws {
        try await withPanel { panel in
            try await panel.user("alice")
            var texts: Set<String> = []
            for (name, password) in [
                (PanelUnderTest.administrator, "wrong"), ("nobody", PanelUnderTest.password), ("alice", "secret word"),
                // The login of the administrator's account is not the administrator's name.
                (PanelUnderTest.login, PanelUnderTest.password),
            ] {
                var browser = panel.browser()
                let answer = try await browser.logIn(name, password)
                #expect(answer.status == 401)
                #expect(browser.cookies["parley_admin"] == nil)
                #expect(answer.body.contains("The name, the password or the code is wrong."))
                texts.insert(
                    answer.body.replacing("value=\"\(name)\"", with: "").replacing(browser.token ?? "", with: ""))
            }
            #expect(texts.count == 1)
        }
    }

    @Test func loginHasATokenOfItsOwnWhateverCookieWasThere() async throws {
        try await withPanel { panel in
            let planted = String(repeating: "ab", count: 32)
            var browser = panel.browser()
            browser.cookies["parley_admin"] = planted
            _ = try await browser.logIn()
            let first = try #require(browser.cookies["parley_admin"])

            var attacker = panel.browser()
            attacker.cookies["parley_admin"] = planted

            #expect(first != planted)
            #expect(try await attacker.get("/admin").status == 303)
            #expect(try await browser.get("/admin").status == 200)

            _ = try await browser.logIn()

            #expect(browser.cookies["parley_admin"] != first)
            attacker.cookies["parley_admin"] = first
            #expect(try await attacker.get("/admin").status == 303)
        }
    }

    @Test func storeKeepsOnlyTheHashOfAToken() async throws {
        try await withPanel { panel in
            let browser = try await panel.loggedIn()
            let token = try #require(browser.cookies["parley_admin"])

            let found = try await panel.test.storage.adminToken(hash: TokenHash(of: token).bytes)

            #expect(found?.kind == .panel)
            #expect(found?.administrator == PanelUnderTest.administrator)
        }
    }

    @Test func tokensOfChatAndPanelOpenNothingOfEachOther() async throws {
        try await withPanel { panel in
            let chat = panel.test.chat
            let origin = Origin(protocol: "mtp", address: "127.0.0.1")
            let logIn = try await chat.logIn(
                login: PanelUnderTest.login, password: Password(PanelUnderTest.password), from: origin)
            var browser = try await panel.loggedIn()
            let token = TokenHash(of: try #require(browser.cookies["parley_admin"]))

            await #expect(throws: ChatError.tokenUnknown) {
                try await chat.principal(uuid: logIn.principal.uuid, token: token)
            }
            await #expect(throws: ChatError.tokenUnknown) { try await chat.restore(token: token, within: 3600) }
            browser.cookies["parley_admin"] = logIn.token
            #expect(try await browser.get("/admin").status == 303)
        }
    }

    @Test func guessingIsSlowedAndTheOwnerStillGetsIn() async throws {
        try await withPanel { panel in
            let owner = ["Host: chat.example", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"]
            let guesser = ["Host: chat.example", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"]
            func attempt(_ headers: [String], _ name: String, _ password: String) async throws -> WebServer.Response {
                var browser = panel.browser()
                browser.headers = headers
                browser.origin = ["Origin: https://chat.example"]
                return try await browser.logIn(name, password)
            }
            for name in [PanelUnderTest.administrator, "nobody"] {
                for _ in 0..<5 { #expect(try await attempt(guesser, name, "guess").status == 401) }
                // Even the right password waits now.
                let slowed = try await attempt(guesser, name, PanelUnderTest.password)
                #expect(slowed.status == 429)
                #expect(slowed.body.contains("Try again in "))
            }

            #expect(try await attempt(owner, PanelUnderTest.administrator, PanelUnderTest.password).status == 303)
            panel.test.clock.advance(by: .seconds(61))
            #expect(try await attempt(guesser, PanelUnderTest.administrator, PanelUnderTest.password).status == 303)
        }
    }

    // MARK: The end of a session

    enum End: CaseIterable {
        case logOut, administratorDeleted, accountDeleted, passwordChanged
    }

    @Test(arguments: End.allCases)
    func sessionEndsAtOnce(end: End) async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            #expect(try await browser.get("/admin/users").status == 200)
            var other = browser

            switch end {
            case .logOut: #expect(try await other.post("/admin/logout", []).status == 303)
            case .administratorDeleted: try await panel.run(DeleteSuperuser(username: PanelUnderTest.administrator))
            case .accountDeleted: try await panel.run(DeleteUser(login: PanelUnderTest.login))
            case .passwordChanged:
                try await panel.run(SetPassword(login: PanelUnderTest.login, password: SecretText("another one")))
            }

            let answer = try await browser.get("/admin/users")
            #expect(answer.status == 303)
            #expect(answer.headers["location"] == "/admin/login?ended=1")
            #expect(browser.cookies["parley_admin"] == nil)
            #expect(try await browser.get("/admin/login?ended=1").body.contains("Your session has ended."))
        }
    }

    @Test func deletedAdministratorsFormsDoNothing() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            try await panel.run(DeleteSuperuser(username: PanelUnderTest.administrator))

            let answer = try await browser.post("/admin/users/new", [("login", "eve"), ("password", "x")])

            #expect(answer.status == 303)
            await #expect(throws: OperationError.self) { try await panel.run(ShowUser(login: "eve")) }
        }
    }

    @Test func loginEndsAfterHalfADay() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            let start = panel.test.wallClock.now.milliseconds
            while panel.test.wallClock.now.milliseconds - start < 43_200_000 - 20 * 60_000 {
                panel.test.wallClock.advance(milliseconds: 20 * 60_000)
                let status = try await browser.get("/admin").status
                try #require(status == 200 || panel.test.wallClock.now.milliseconds - start >= 43_200_000)
            }
            panel.test.wallClock.advance(milliseconds: 20 * 60_000)
            #expect(try await browser.get("/admin").status == 303)
        }
    }

    @Test func loginEndsWithoutUse() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            panel.test.wallClock.advance(milliseconds: 30 * 60_000)
            #expect(try await browser.get("/admin").status == 200)
            panel.test.wallClock.advance(milliseconds: 46 * 60_000)
            #expect(try await browser.get("/admin").status == 303)
        }
    }

    @Test func secondFactorIsNeededWhereThereIsOne() async throws {
        var random = SecureRandom()
        var policy = ChatPolicy()
        policy.sealer = Sealer(keys: [[UInt8](repeating: 7, count: Sealer.keyBytes)])
        try await withPanel(policy: policy) { panel in
            let factor = TOTP(using: &random)
            let name = PanelUnderTest.administrator
            let sealed = try #require(panel.test.chat.seal(factor, of: name))
            _ = try await panel.test.chat.write(Write.SetTOTP(username: name, sealed), by: nil)
            let step = panel.test.wallClock.now.milliseconds / 1000 / TOTP.stepSeconds
            let code = factor.code(atStep: step)
            func attempt(_ code: String) async throws -> Int {
                var browser = panel.browser()
                _ = try await browser.get("/admin/login")
                let fields = [("username", name), ("password", PanelUnderTest.password), ("code", code)]
                return try await browser.post("/admin/login", fields).status
            }

            #expect(try await attempt("") == 401)
            #expect(try await attempt(code == "000000" ? "000001" : "000000") == 401)
            #expect(try await attempt(code) == 303)
            // A code is good for one login.
            #expect(try await attempt(code) == 401)
        }
    }
}
