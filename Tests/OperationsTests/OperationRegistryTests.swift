// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Operations
import Storage
import Synchronization
import Testing

struct OperationRegistryTests {
    private final class Replies: Sendable {
        private let lines = Mutex<[String]>([])

        func append(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }

        var all: [String] { lines.withLock { $0 } }
    }

    private func replies(to request: String, in office: Office) async -> [String] {
        let replies = Replies()
        await OperationRegistry.answer(Array(request.utf8), on: office.context) { replies.append($0) }
        return replies.all
    }

    @Test func namesAreThoseThatOthersRelyOn() {
        let names = OperationRegistry.all.map { $0.name }

        #expect(
            names == [
                "db.status", "db.check", "db.stats", "db.gc", "superuser.create", "superuser.list", "superuser.delete",
                "user.create", "user.list",
                "user.show", "user.update", "user.delete",
                "user.set_password", "user.sessions", "user.logout", "flow.create", "flow.list", "flow.show",
                "flow.delete", "flow.add_member", "flow.remove_member", "flow.seed", "testclient.token",
                "testclient.end",
                "flow.update", "message.list", "message.show", "message.search", "message.delete",
                "message.expire", "user.erase", "user.export",
                "invite.create", "invite.list", "invite.revoke", "node.list", "node.drain", "node.resume",
                "log.read", "user.limits", "server.measure", "fastchat.sign",
                "server.addresses", "secrets.check", "session.end", "flow.remove_seed", "user.check_login",
                "user.show_limits", "audit.list", "audit.verify", "token.create", "token.list", "token.revoke",
                "superuser.totp",
                "server.reload", "server.log_level", "server.log", "config.list", "config.set", "backup.list",
                "backup.create", "backup.verify", "backup.download",
                "import.users", "import.contacts", "import.flows", "import.messages",
            ])
        #expect(
            OperationRegistry.all.filter { $0.isDestructive }.map { $0.name }
                == [
                    "superuser.delete", "user.delete", "flow.delete", "message.delete", "message.expire", "user.erase",
                    "flow.remove_seed",
                ])
        #expect(
            OperationRegistry.all.filter { !$0.needsCurrentSchema }.map { $0.name }
                == [
                    "db.status", "server.measure", "server.addresses", "secrets.check", "server.log", "config.list",
                    "backup.list", "backup.verify",
                ])
        for name in names { #expect(OperationRegistry.operation(named: name)?.name == name) }
    }

    @Test func requestIsAnsweredWithProgressAndOneResult() async throws {
        try await Office.open { office in
            let lines = await replies(
                to: #"{"operation":"flow.seed","parameters":{"users":0,"flows":1,"messages":2}}"#, in: office)

            #expect(lines.dropLast().allSatisfy { $0.hasPrefix(#"{"progress":{"#) })
            #expect(lines.count == 4)
            let reply = try OperationReply<SeedFlows.Report>(Array(try #require(lines.last).utf8))
            guard case .result(let report) = reply else {
                Issue.record("no result: \(lines)")
                return
            }
            #expect(report.messages == 2)
        }
    }

    @Test(arguments: [
        ("", "invalid"), ("[]", "invalid"), (#"{"operation":1}"#, "invalid"), (#"{"operation":"no.such"}"#, "invalid"),
        (#"{"operation":"user.show"}"#, "invalid"), (#"{"operation":"user.show","parameters":{}}"#, "invalid"),
        (#"{"operation":"user.show","parameters":{"login":"bob"}}"#, "not_found"),
        (#"{"operation":"flow.show","parameters":{"uuid":"x"}}"#, "not_found"),
        (String(repeating: "[", count: 100_000), "invalid"), ("\u{0}\u{FFFF}", "invalid"),
    ])
    func whatCannotBeDoneIsAnsweredWithAnError(request: String, kind: String) async throws {
        try await Office.open { office in
            let lines = await replies(to: request, in: office)

            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix(#"{"error":{"#) == true)
            #expect(lines.first?.contains(#""kind":"\#(kind)""#) == true)
        }
    }

    @Test func requestsAndRepliesSurviveTheJourney() async throws {
        let request = try OperationRequest(UpdateUser(login: "a", newLogin: "b", isBot: false)).encoded()
        let failure = OperationError(.busy, "Full.", nextStep: "Wait.")

        #expect(String(decoding: request, as: UTF8.self).contains(#""operation":"user.update""#))
        for kind in OperationError.Kind.allCases {
            let line = #"{"error":{"kind":"\#(kind.rawValue)","message":"m"}}"#
            guard case .failure(let error) = try OperationReply<UserReport>(Array(line.utf8)) else {
                Issue.record("no error: \(line)")
                continue
            }
            #expect(error == OperationError(kind, "m"))
        }
        #expect(failure.description == "Full. Wait.")
        #expect(throws: (any Error).self) { try OperationReply<UserReport>(Array("{}".utf8)) }
    }

    @Test func secretsShowInNoDescription() {
        let secret = SecretText("hunter2")
        let operation = CreateUser(login: "a", username: "a", password: secret)
        var dumped = ""

        dump(operation, to: &dumped)

        for text in ["\(secret)", String(reflecting: secret), "\(operation)", String(reflecting: operation), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_001, "2100-02-28T23:59:59.001Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func timesAreWrittenAsRFC3339Does(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
    }

    @Test(arguments: [Int64.min, .max]) func timesAtTheEndsDoNotTrap(milliseconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).text.hasSuffix("Z"))
    }

    // MARK: The store and the health check

    @Test func databaseStatusWorksOnEveryState() async throws {
        try await Office.open(hasTables: false) { office in
            let empty = try await office.run(DatabaseStatus())
            #expect(empty.schema == "empty")
            #expect(empty.counts == nil)
            #expect(!empty.pending.isEmpty)

            _ = try await office.chat.storage.migrate()
            _ = try await office.run(SeedFlows(users: 2, flows: 1, messages: 3))
            let current = try await office.run(DatabaseStatus())

            #expect(current.schema == "current")
            #expect(current.engine.hasPrefix("SQLite "))
            #expect(current.pending.isEmpty)
            #expect(current.applied == empty.pending)
            // The bot, two users, a flow and three messages.
            let counts = try #require(current.counts)
            #expect([counts.users, counts.flows, counts.messages, counts.head] == [3, 1, 3, 7])
        }
    }

    @Test func testClientHasABotAFlowAndAMinute() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let first = try await office.run(IssueTestClientToken())
            let second = try await office.run(IssueTestClientToken())

            #expect(first.uuid == second.uuid)
            #expect(first.flow == second.flow)
            #expect(first.token != second.token)
            #expect(try await office.run(ListUsers()).items.map(\.login) == ["alice"])
            let flow = try await office.run(ShowFlow(uuid: first.flow))
            #expect(flow.members == [IssueTestClientToken.botLogin])
            #expect(!flow.flow.isPublic)
            let uuid = try #require(Identifier(decimal: first.uuid))
            let principal = try await office.chat.principal(uuid: uuid, token: TokenHash(of: first.token.clearText))
            #expect(principal.expires == Timestamp(milliseconds: Office.time.milliseconds + 60_000))
            let flowUUID = try #require(Identifier(decimal: first.flow))
            let pending = try await office.chat.submit(MessageContent(text: "x"), to: flowUUID, by: principal)
            #expect(try await office.chat.receipt(of: pending).result == 0)
        }
    }

    @Test func testClientLeavesNothingBehindAndCountsNowhere() async throws {
        try await Office.open { office in
            let storage = office.chat.storage
            let issued = try await office.run(IssueTestClientToken())
            let other = try await office.run(IssueTestClientToken())
            let uuid = try #require(Identifier(decimal: issued.uuid))
            let flow = try #require(Identifier(decimal: issued.flow))
            let principal = try await office.chat.principal(uuid: uuid, token: TokenHash(of: issued.token.clearText))
            for text in ["findable", "another"] { try await office.say(text, in: flow, as: principal) }
            #expect(try await office.run(SearchMessages(words: "findable")).items.count == 1)
            let counts = try await storage.counts()
            #expect(counts.users == 0 && counts.flows == 0 && counts.messages == 0)
            #expect(try await office.run(ListFlows()).items.isEmpty)

            let ended = try await office.run(EndTestClient(session: issued.session))

            #expect(ended.removed == 2)
            #expect(try await office.messages().isEmpty)
            #expect(try await office.run(SearchMessages(words: "findable")).items.isEmpty)
            await #expect(throws: ChatError.self) {
                try await office.chat.principal(uuid: uuid, token: TokenHash(of: issued.token.clearText))
            }
            #expect(try await storage.session(tokenHash: TokenHash(of: issued.token.clearText).bytes) == nil)
            // A check that runs beside it keeps its login, and the next message has the next number.
            let beside = try await office.chat.principal(uuid: uuid, token: TokenHash(of: other.token.clearText))
            let pending = try await office.chat.submit(MessageContent(text: "x"), to: flow, by: beside)
            #expect(try await office.chat.receipt(of: pending).result == 2)
            #expect(try await office.run(EndTestClient(session: issued.session)).removed == 1)
        }
    }

    @Test func testClientEndsNobodyElsesSession() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let alice = try await office.logIn("alice")
            _ = try await office.run(IssueTestClientToken())

            _ = try await office.run(EndTestClient(session: alice.principal.session.rawValue))

            #expect(try await office.run(ListSessions(login: "alice")).sessions.count == 1)
        }
    }

    @Test func testClientsFlowComesBackAfterItsDeletion() async throws {
        try await Office.open { office in
            let first = try await office.run(IssueTestClientToken())
            let uuid = try #require(Identifier(decimal: first.flow))
            let flow = try #require(try await office.chat.storage.flow(uuid: uuid))
            // Deleted, and not purged yet.
            _ = try await office.chat.write(Write.DeleteFlow(flow.id), by: nil)

            let second = try await office.run(IssueTestClientToken())

            #expect(second.flow == first.flow)
            #expect(try await office.run(ShowFlow(uuid: second.flow)).members == [IssueTestClientToken.botLogin])
        }
    }

    @Test func testClientDoesNotTakeAPersonsLogin() async throws {
        try await Office.open { office in
            try await office.oldAccount(IssueTestClientToken.botLogin)

            let error = try await office.refusal(of: IssueTestClientToken())

            #expect(error.kind == .refused)
            #expect(error.nextStep?.contains("user update") == true)
        }
    }

    @Test func everyRefusalOfTheDomainHasAKind() {
        let errors: [(ChatError, OperationError.Kind)] = [
            (.loginTaken, .exists), (.credentialsMissing, .invalid), (.registrationClosed, .refused),
            (.noSuchUser, .notFound), (.wrongPassword, .refused), (.tooManyAttempts(seconds: 2), .busy), (.busy, .busy),
            (.accountDeleted, .notFound), (.noSuchFlow, .notFound), (.notAllowed("No."), .refused),
            (.tooLong(field: "bio", limit: 3), .invalid), (.nullCharacter(field: "bio"), .invalid),
            (.readOnly, .unavailable), (.storageUnavailable, .unavailable), (.outcomeUnknown, .unavailable),
            (.internalFailure, .failed),
        ]
        for (error, kind) in errors {
            #expect(OperationError(error).kind == kind)
            #expect(OperationError(error).message.hasSuffix("."))
        }
        #expect(OperationError(StorageError(.needsMigration, "Old.")).kind == .unavailable)
        #expect(OperationError(StorageError(.notFound, "None.")).kind == .notFound)
        #expect(OperationError(StorageError(.writeFailed, "Full.")).kind == .failed)
    }
}
