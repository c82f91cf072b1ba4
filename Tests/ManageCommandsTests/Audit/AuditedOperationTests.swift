// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Logging
import Operations
import ParleyServer
import Settings
import Storage
import Testing

@testable import ManageCommands

/// Every operation that writes, through the command line without a server and through the admin socket: one record each, with
/// who, what and on whom.
struct AuditedOperationTests {
    /// One operation, made when those before it are done.
    private struct Step: Sendable {
        var operation: @Sendable (Scene) async throws -> any AdminOperation
        /// On whom the record says that it was; `nil` for none.
        var target: @Sendable (Scene) async throws -> String?
        /// Whether that can be asked only before, since it is gone then.
        var deletes = false

        init(
            on target: @autoclosure @escaping @Sendable () -> String?,
            _ operation: @autoclosure @escaping @Sendable () -> any AdminOperation
        ) {
            self.operation = { _ in operation() }
            self.target = { _ in target() }
        }

        init(
            _ operation: @escaping @Sendable (Scene) async throws -> any AdminOperation,
            deletes: Bool = false, target: @escaping @Sendable (Scene) async throws -> String?
        ) {
            self.operation = operation
            self.deletes = deletes
            self.target = target
        }
    }

    /// The places that operations run in.
    private struct Scene: Sendable {
        let runner: OperationRunner

        func flow(_ title: String) async throws -> FlowReport { try await runner.run(ShowFlow(uuid: title)).flow }

        func message() async throws -> MessageReport {
            try #require(try await runner.run(ListMessages(uuid: "Welcome")).items.first)
        }
    }

    private static let secret = SecretText("hunter2 hunter2")

    private static let carol = ImportedUser(uuid: "31", login: "carol", username: "Carol")
    private static let dave = ImportedUser(uuid: "32", login: "dave", username: "Dave")
    private static let dinner = ImportedFlow(uuid: "33", type: .group, members: [carol.uuid, dave.uuid])

    private static let steps: [Step] = [
        Step(on: "root", CreateSuperuser(username: "root", login: "rooty", password: secret)),
        Step(on: "alice", CreateUser(login: "alice", username: "Alice", password: secret)),
        Step(on: "bob", CreateUser(login: "bob", username: "Bob", password: secret)),
        Step(on: "alice", UpdateUser(login: "alice", bio: "Hello.")),
        Step(on: "alice", SetPassword(login: "alice", password: secret)),
        Step(on: "alice", LimitUser(login: "alice", changes: [.flows: "3"])),
        Step(on: "alice", LogOutUser(login: "alice")),
        Step({ _ in CreateFlow(owner: "alice", type: .group, title: "Lunch", members: ["bob"]) }) {
            try await $0.flow("Lunch").uuid
        },
        Step({ _ in UpdateFlow(uuid: "Lunch", info: "At noon.") }) { try await $0.flow("Lunch").uuid },
        Step({ _ in RemoveMember(uuid: "Lunch", login: "bob") }) { try await $0.flow("Lunch").uuid },
        Step({ _ in AddMember(uuid: "Lunch", login: "bob") }) { try await $0.flow("Lunch").uuid },
        Step(on: nil, SeedFlows(users: 2, flows: 2, messages: 3)),
        Step({ DeleteMessage(uuid: try await $0.message().uuid) }, deletes: true) { try await $0.message().uuid },
        Step({ DeleteFlow(uuid: try await $0.flow("Lunch").uuid) }, deletes: true) { try await $0.flow("Lunch").uuid },
        Step(on: nil, RemoveSeed()),
        Step({ _ in CreateInvite(uses: 2) }) { try await $0.runner.run(ListInvites()).invites.first?.id },
        Step({ RevokeInvite(id: try await $0.runner.run(ListInvites()).invites[0].id) }) {
            try await $0.runner.run(ListInvites(includesInvalid: true)).invites.first?.id
        },
        Step(on: "robot", CreateToken(name: "robot", superuser: "root", scope: .write)),
        Step(on: "robot", RevokeToken(name: "robot")),
        Step(on: "root", SetSecondFactor(username: "root", isEnabled: true)),
        Step(on: "root", SetSecondFactor(username: "root", isEnabled: false)),
        Step(on: "one", DrainNode(node: "one")), Step(on: "one", ResumeNode(node: "one")),
        Step(on: "testclient", IssueTestClientToken()), Step(on: "testclient", EndTestClient(session: 1)),
        Step(on: "1", EndSession(uuid: "1", token: secret)),
        Step(on: nil, ImportUsers([carol, dave], isDryRun: false)),
        Step(on: nil, ImportContacts([.init(user: carol.uuid, contact: dave.uuid)], isDryRun: false)),
        Step(on: nil, ImportFlows([dinner], isDryRun: false)),
        Step(
            on: nil,
            ImportMessages(
                [MessageToImport(uuid: "41", flow: dinner.uuid, author: carol.uuid, time: 1, text: "Hello.")],
                isDryRun: false)),
        Step(on: nil, CheckDatabase(fix: true)), Step(on: nil, CollectGarbage()),
        Step(on: "bob", DeleteUser(login: "bob")), Step(on: "root", DeleteSuperuser(username: "root")),
    ]

    /// Operations that others test, since they need more than a database.
    private static let elsewhere: Set<String> = [
        "server.reload", "server.log_level", "config.set", "backup.create", "backup.download",
    ]

    private let run: CommandRun
    private let settings: Settings

    init() throws {
        run = try CommandRun()
        settings = try Settings.load(file: nil, environment: [:], overrides: [:], currentFolder: run.folder)
    }

    @Test func everyWritingOperationIsTried() async throws {
        let writing = OperationRegistry.all.filter { $0.access == .write }.map { $0.name }

        #expect(Set(writing).subtracting(Self.names).subtracting(Self.elsewhere) == [], "Add these to the steps.")
    }

    private static let names: Set<String> = [
        "superuser.create", "user.create", "user.delete", "session.end", "user.limits", "user.logout",
        "user.set_password", "superuser.totp", "superuser.delete", "user.update", "node.drain", "node.resume",
        "flow.create", "flow.delete", "flow.add_member", "flow.remove_member", "flow.remove_seed", "flow.seed",
        "flow.update", "invite.create", "invite.revoke", "message.delete", "testclient.end", "testclient.token",
        "token.create", "token.revoke", "import.users", "import.contacts", "import.flows", "import.messages",
        "db.check", "db.gc",
    ]

    @Test func withoutAServer() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        try await addNode()

        try await check(through: .cli)
    }

    @Test func throughTheAdminSocket() async throws {
        try await RunningServer.during(run) { chat in
            try await addNode(to: chat.storage)

            try await check(through: .socket)
        }
    }

    /// The lock of the file ends with the store.
    private func addNode() async throws {
        let store = try await StoreAccess(settings: settings).open(logger: Logger(label: "test"))
        try await addNode(to: store.storage)
        await store.storage.close()
    }

    private func addNode(to storage: Storage) async throws {
        _ = try await storage.registerNode(NewNode(name: "one", address: "", protocols: "{}"))
    }

    private func check(through face: OperationActor.Face) async throws {
        let scene = Scene(runner: OperationRunner(settings: settings))
        let me = OperationActor.systemUser(getuid(), through: face)
        var number: Int64 = 0
        var seen: Set<String> = []
        for step in Self.steps {
            let operation = try await step.operation(scene)
            let name = type(of: operation).name
            var target = step.deletes ? try await step.target(scene) : nil
            try await perform(operation, scene)
            number += 1
            if !step.deletes { target = try await step.target(scene) }

            let newest = try await scene.runner.run(ListAudit(range: ListRange(limit: 2))).items
            let record = try #require(newest.first)
            #expect(record.number == number, "\(name) has one record")
            #expect(record.what == name && record.who == me.name && record.face == face.rawValue)
            #expect(record.address == nil && record.result == .done, "\(name)")
            #expect(record.target == target, "\(name)")
            #expect(!record.parameters.contains("hunter2"), "\(name)")
            seen.insert(name)
        }
        #expect(seen == Self.names)

        await #expect(throws: OperationError.self) { try await scene.runner.run(DeleteUser(login: "nobody")) }

        let refused = try #require(try await scene.runner.run(ListAudit(range: ListRange(limit: 1))).items.first)
        #expect(refused.number == number + 1)
        #expect(refused.result == .refused && refused.refusal == "not_found" && refused.target == "nobody")
        #expect(try await scene.runner.run(VerifyAudit()).records == number + 1)
    }

    private func perform(_ operation: some AdminOperation, _ scene: Scene) async throws {
        _ = try await scene.runner.run(operation)
    }
}
