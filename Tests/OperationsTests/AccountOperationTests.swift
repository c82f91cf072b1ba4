// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Operations
import Storage
import Testing

struct AccountOperationTests {
    @Test func searchLooksThroughSoManyRowsAtATime() async throws {
        try await Office.open { office in
            var rows: [Int64] = []
            for (login, username) in [
                ("anna", "A"), ("Ännchen", "B"), ("carl", "JoHANNes"), ("dora", "Änne"), ("anton", "E"),
            ] {
                let user = try await office.run(
                    CreateUser(login: login, username: username, password: SecretText("secret word")))
                rows.append(user.row)
            }
            func page(
                _ text: String, after: Int64 = 0, limit: Int = 10, rows: Int64? = nil
            ) async throws -> (
                logins: [String], next: Int64?
            ) {
                let page = try await office.run(
                    ListUsers(range: ListRange(after: after, limit: limit), search: text, rows: rows))
                return (page.items.map(\.login), page.next)
            }

            #expect(try await page("AN").logins == ["anna", "carl", "anton"])
            #expect(try await page("änn").logins == ["Ännchen"])
            #expect(try await page("Änn").logins == ["Ännchen", "dora"])
            #expect(try await page("an", limit: 1) == (["anna"], rows[0]))
            #expect(try await page("an", limit: 3) == (["anna", "carl", "anton"], nil))
            #expect(try await page("an", after: rows[0], rows: 1) == ([], rows[1]))
            #expect(try await page("an", after: rows[1], rows: 2) == (["carl"], rows[3]))
            #expect(try await page("an", after: rows[3], rows: 2) == (["anton"], nil))
            #expect(try await page("%").logins == [])
        }
    }

    @Test func createdUserCanLogInAndIsShown() async throws {
        try await Office.open { office in
            let created = try await office.run(
                CreateUser(
                    login: "Alice", username: "Alice A.", password: SecretText("secret word"), isBot: true,
                    email: "a@example.org"))
            _ = try await office.logIn("alice")

            let shown = try await office.run(ShowUser(login: "ALICE"))

            #expect(shown.user == created)
            #expect(created.login == "Alice")
            #expect(created.username == "Alice A.")
            #expect(created.isBot)
            #expect(created.email == "a@example.org")
            #expect(created.created == "2026-02-01T00:00:00.250Z")
            #expect(shown.sessions == 1)
            #expect(shown.passwordHash == "argon2id")
            #expect(!shown.isConnected)
        }
    }

    @Test func whatCannotBeAUserIsRefused() async throws {
        try await Office.open { office in
            try await office.user("alice")
            func create(
                _ login: String, username: String = "x", password: String = "x", email: String = ""
            ) -> CreateUser {
                CreateUser(login: login, username: username, password: SecretText(password), email: email)
            }

            let taken = try await office.refusal(of: create("ALICE"))
            #expect(taken.kind == .exists)
            #expect(taken.message.contains("'ALICE'"))
            for wrong in [
                create(""), create("a\u{0}b"), create(" a"), create(String(repeating: "x", count: 256)),
                create("bob", password: ""), create("bob", password: String(repeating: "x", count: 5000)),
                create("bob", username: String(repeating: "x", count: 256)), create("bob", email: "a\u{0}"),
                create("bob", email: "nowhere"),
            ] {
                #expect(try await office.refusal(of: wrong).kind == .invalid)
            }
            #expect(try await office.run(ListUsers()).items.map(\.login) == ["alice"])
        }
    }

    @Test func listIsPagedByRow() async throws {
        try await Office.open { office in
            for login in ["a", "b", "c"] { try await office.user(login) }

            let first = try await office.run(ListUsers(range: ListRange(limit: 2)))
            let second = try await office.run(ListUsers(range: ListRange(after: try #require(first.next), limit: 2)))
            let exact = try await office.run(ListUsers(range: ListRange(limit: 3)))

            #expect(first.items.map(\.login) == ["a", "b"])
            #expect(second.items.map(\.login) == ["c"])
            #expect(second.next == nil)
            #expect(exact.next == nil)
            for limit in [0, -1, 10_001] {
                #expect(try await office.refusal(of: ListUsers(range: ListRange(limit: limit))).kind == .invalid)
            }
        }
    }

    @Test func updateChangesOnlyWhatIsGiven() async throws {
        try await Office.open { office in
            try await office.user("alice")
            try await office.user("bob")

            let changed = try await office.run(
                UpdateUser(login: "alice", newLogin: "Alicia", email: "x@y.org", bio: "Hi", isBot: true))
            let kept = try await office.run(UpdateUser(login: "alicia", username: "A"))

            #expect(changed.login == "Alicia")
            #expect(changed.username == "ALICE")
            #expect(kept.email == "x@y.org")
            #expect(kept.bio == "Hi")
            #expect(kept.isBot)
            #expect(kept.username == "A")
            #expect(try await office.refusal(of: UpdateUser(login: "alice", bio: "x")).kind == .notFound)
            let taken = try await office.refusal(of: UpdateUser(login: "alicia", newLogin: "BOB"))
            #expect(taken.kind == .exists)
            #expect(taken.message.contains("'BOB'"))
            #expect(try await office.refusal(of: UpdateUser(login: "alicia")).kind == .invalid)
            #expect(try await office.refusal(of: UpdateUser(login: "alicia", email: "nowhere")).kind == .invalid)
            #expect(try await office.refusal(of: UpdateUser(login: "alicia", newLogin: "")).kind == .invalid)
            let long = UpdateUser(login: "alicia", bio: String(repeating: "x", count: 20_000))
            #expect(try await office.refusal(of: long).kind == .invalid)
        }
    }

    @Test func aPictureIsSetAndTakenAway() async throws {
        try await Office.open { office in
            try await office.user("alice")

            _ = try await office.run(UpdateUser(login: "alice", avatar: "cGljdHVyZQ=="))
            #expect(try await office.run(ShowUser(login: "alice")).avatarBytes == 12)
            _ = try await office.run(UpdateUser(login: "alice", avatar: ""))
            #expect(try await office.run(ShowUser(login: "alice")).avatarBytes == 0)
            let large = UpdateUser(login: "alice", avatar: String(repeating: "x", count: 262_145))
            #expect(try await office.refusal(of: large).kind == .invalid)
        }
    }

    @Test(arguments: ["testclient", "SEED", "Seed"]) func loginsOfBotsAreReserved(login: String) async throws {
        try await Office.open { office in
            try await office.user("alice")

            let user = CreateUser(login: login, username: "x", password: SecretText("x"))
            #expect(try await office.refusal(of: user).kind == .refused)
            let superuser = CreateSuperuser(username: "root", login: login, password: SecretText("x"))
            #expect(try await office.refusal(of: superuser).kind == .refused)
            #expect(try await office.refusal(of: UpdateUser(login: "alice", newLogin: login)).kind == .refused)
            await #expect(throws: ChatError.loginTaken) {
                try await office.chat.register(
                    login: login, password: Password("x"), username: nil, email: nil,
                    from: Origin(protocol: "mtp", address: "::1"))
            }
            _ = try await office.run(SeedFlows())
            _ = try await office.run(IssueTestClientToken())
        }
    }

    @Test func theShippedPasswordMakesNoAdministrator() async throws {
        try await Office.open { office in
            let shipped = CreateSuperuser(username: "root", login: "root", password: SecretText("password"))

            let error = try await office.refusal(of: shipped)

            #expect(error.kind == .refused)
            #expect(try await office.chat.storage.admin(username: "root") == nil)
            #expect(try await office.run(ListUsers()).items.isEmpty)
        }
    }

    @Test func deletedUserIsGone() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let logIn = try await office.logIn("alice")
            let connection = RecordingConnection()
            office.chat.hub.attach(connection, principal: logIn.principal, wantsNews: false)

            let deleted = try await office.run(DeleteUser(login: "alice"))

            #expect(deleted.login == "alice")
            await connection.revocation()
            #expect(try await office.refusal(of: ShowUser(login: "alice")).kind == .notFound)
            #expect(try await office.refusal(of: DeleteUser(login: "alice")).kind == .notFound)
            #expect(try await office.run(ListUsers()).items.isEmpty)
            try await office.user("alice")
        }
    }

    @Test func newPasswordEndsEverySession() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let old = try await office.logIn("alice")

            _ = try await office.run(SetPassword(login: "alice", password: SecretText("another")))

            await #expect(throws: ChatError.wrongPassword) { try await office.logIn("alice") }
            await #expect(throws: ChatError.tokenRevoked) {
                try await office.chat.principal(uuid: old.principal.uuid, token: TokenHash(of: old.token))
            }
            _ = try await office.logIn("alice", password: "another")
            let empty = SetPassword(login: "alice", password: SecretText(""))
            #expect(try await office.refusal(of: empty).kind == .invalid)
            let nobody = SetPassword(login: "bob", password: SecretText("x"))
            #expect(try await office.refusal(of: nobody).kind == .notFound)
        }
    }

    @Test func logoutEndsOneSessionOrAllAndClosesConnections() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let logIns = [
                try await office.logIn("alice"), try await office.logIn("alice"), try await office.logIn("alice"),
            ]
            let connections = logIns.map { logIn in
                let connection = RecordingConnection()
                office.chat.hub.attach(connection, principal: logIn.principal, wantsNews: false)
                return connection
            }
            #expect(try await office.run(ShowUser(login: "alice")).isConnected)
            let listed = try await office.run(ListSessions(login: "alice"))
            #expect(listed.sessions.map(\.id) == logIns.reversed().map(\.principal.session.rawValue))
            #expect(listed.sessions.allSatisfy { $0.protocol == "mtp" && $0.address == "::1" })

            let one = try await office.run(
                LogOutUser(login: "alice", session: logIns[0].principal.session.rawValue))
            await connections[0].revocation()

            #expect(one.revoked == 1)
            #expect(try await office.run(ListSessions(login: "alice")).sessions.count == 2)
            let again = LogOutUser(login: "alice", session: logIns[0].principal.session.rawValue)
            #expect(try await office.refusal(of: again).kind == .notFound)

            #expect(try await office.run(LogOutUser(login: "alice")).revoked == 2)
            for connection in connections.dropFirst() { await connection.revocation() }
            #expect(try await office.run(LogOutUser(login: "alice")).revoked == 0)
            #expect(try await office.refusal(of: LogOutUser(login: "bob")).kind == .notFound)
            #expect(try await office.refusal(of: ListSessions(login: "bob")).kind == .notFound)
        }
    }

    @Test func superuserIsAnAccountAndAnAdministrator() async throws {
        try await Office.open { office in
            let made = try await office.run(
                CreateSuperuser(username: "root", login: "alice", password: SecretText("secret word")))
            let admin = try #require(try await office.chat.storage.admin(username: "root"))

            #expect(made.username == "root")
            #expect(made.user.login == "alice")
            _ = try await office.logIn("alice")
            #expect(try await office.chat.hasher.verify(Password("secret word"), against: admin.passwordHash))
            func superuser(_ username: String, _ login: String) -> CreateSuperuser {
                CreateSuperuser(username: username, login: login, password: SecretText("x"))
            }
            #expect(try await office.refusal(of: superuser("root", "bob")).kind == .exists)
            #expect(try await office.refusal(of: superuser("boss", "ALICE")).kind == .exists)
            #expect(try await office.refusal(of: superuser("", "bob")).kind == .invalid)
            #expect(try await office.chat.storage.admin(username: "boss") == nil)
            #expect(try await office.run(ListUsers()).items.count == 1)
        }
    }

    @Test func secretOfALostKeyFileIsFoundAndHealsAtALogin() async throws {
        let (lost, new) = (
            Sealer(keys: [[UInt8](repeating: 1, count: 32)]), Sealer(keys: [[UInt8](repeating: 2, count: 32)])
        )
        try await Office.open(sealer: lost) { office in
            try await office.user("alice")
            #expect(try await office.run(CheckSecrets()) == CheckSecrets.Report(sealed: 1, unopened: 0))
            var policy = office.chat.policy
            policy.sealer = new
            let chat = Chat(
                storage: office.chat.storage, hasher: office.chat.hasher, policy: policy, logger: office.chat.logger)
            let context = OperationContext(chat: chat)
            let origin = Origin(protocol: "skaro", address: "::1")
            let answer = HMACChallenge(Password("secret word")).answer(to: "token")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await chat.run() }
                defer { chat.close() }

                let damaged = try await CheckSecrets().run(on: context)
                let refusal = await #expect(throws: ChatError.self) {
                    try await chat.logIn(login: "alice", answer: answer, to: "token", from: origin)
                }
                _ = try await chat.logIn(login: "alice", password: Password("secret word"), from: origin)
                let healed = try await CheckSecrets().run(on: context)
                let logIn = try await chat.logIn(login: "alice", answer: answer, to: "token", from: origin)

                #expect(damaged == CheckSecrets.Report(sealed: 1, unopened: 1))
                #expect(refusal == .challengeUnavailable)
                #expect(healed == CheckSecrets.Report(sealed: 1, unopened: 0))
                #expect(!logIn.token.isEmpty)
            }
        }
    }
}
