// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Testing

@testable import ManageCommands

/// A form of the admin panel.
struct OperationForm: Sendable {
    var path: String
    var fields: [String: String]

    init(_ path: String, _ fields: [String: String]) {
        self.path = path
        self.fields = fields
    }
}

/// One writing operation, made when those before it in the table are done.
struct OperationStep: Sendable {
    /// What is refused before, in the same words everywhere.
    struct Refusal: Sendable {
        var operation: any AdminOperation
        var fields: [String: String]
        var text: String

        init(_ operation: any AdminOperation, _ text: String) {
            self.init(operation, [:], text)
        }

        init(_ operation: any AdminOperation, _ fields: [String: String], _ text: String) {
            self.operation = operation
            self.fields = fields
            self.text = text
        }
    }

    /// What is looked at to see what happened.
    enum Effect: Sendable {
        /// It holds afterwards and did not before.
        case new(@Sendable (OperationScene) async throws -> Bool)
        /// It holds afterwards; what it was before depends on more than the steps.
        case holds(@Sendable (OperationScene) async throws -> Bool)
        /// No operation tells.
        case untold
    }

    var operation: @Sendable (OperationScene) async throws -> any AdminOperation
    /// On whom the record says that it was; `nil` for none.
    var target: @Sendable (OperationScene) async throws -> String?
    /// Whether that can be asked only before, since it is gone then.
    var deletes: Bool
    /// The form of the panel that does it; `nil` for none.
    var form: @Sendable (OperationScene) async throws -> OperationForm?
    var refusal: Refusal?
    var effect: Effect

    init(
        on target: String?, _ operation: any AdminOperation, form: OperationForm? = nil, refused: Refusal? = nil,
        effect: Effect
    ) {
        self.init(
            { _ in operation }, target: { _ in target }, form: { _ in form }, refused: refused, effect: effect)
    }

    init(
        _ operation: @escaping @Sendable (OperationScene) async throws -> any AdminOperation, deletes: Bool = false,
        target: @escaping @Sendable (OperationScene) async throws -> String?,
        form: @escaping @Sendable (OperationScene) async throws -> OperationForm? = { _ in nil },
        refused: Refusal? = nil, effect: Effect
    ) {
        self.operation = operation
        self.deletes = deletes
        self.target = target
        self.form = form
        self.refusal = refused
        self.effect = effect
    }
}

// MARK: The table

extension OperationStep {
    static let secret = SecretText("hunter2 hunter2")

    static let all =
        administrators + accounts + flows + invites + nodes + testClient + imports + server + settings + backups + ends

    /// Nobody of this name is there.
    private static let ghost = "ghost"
    private static let noUser = "No user with login 'ghost'. List logins with 'manage user list'."
    private static let noFlow = "There is no flow 'ghost'. List flows with 'manage flow list'."
    private static let noAdministrator =
        "No administrator 'ghost'. List the administrators with 'manage superuser list'."
    private static let noNode = "No server is called 'ghost'. List them with 'manage node list'."

    private static let administrators = [
        OperationStep(
            on: "root", CreateSuperuser(username: "root", login: "rooty", password: secret),
            form: OperationForm(
                "/admin/administrators", ["username": "root", "login": "rooty", "password": secret.clearText]),
            refused: Refusal(
                CreateSuperuser(username: "admin", login: "rooty", password: secret),
                ["username": "admin", "login": "rooty", "password": secret.clearText],
                "An administrator 'admin' exists already. Choose another --username."),
            effect: .new { try await $0.administrator("root") != nil }),
        OperationStep(
            on: "root", SetSecondFactor(username: "root", isEnabled: true),
            refused: Refusal(SetSecondFactor(username: ghost, isEnabled: true), noAdministrator),
            effect: .new { try await $0.administrator("root")?.hasSecondFactor == true }),
        OperationStep(
            on: "root", SetSecondFactor(username: "root", isEnabled: false),
            effect: .new { try await $0.administrator("root")?.hasSecondFactor == false }),
        OperationStep(
            on: "robot", CreateToken(name: "robot", superuser: "root", scope: .write),
            refused: Refusal(CreateToken(name: "robot", superuser: ghost), noAdministrator),
            effect: .new { try await $0.token() != nil }),
        OperationStep(
            on: "robot", RevokeToken(name: "robot"),
            refused: Refusal(RevokeToken(name: ghost), "No token 'ghost'. List the tokens with 'manage token list'."),
            effect: .new { try await $0.token()?.status == .revoked }),
    ]

    private static let accounts = [
        OperationStep(
            on: "alice", CreateUser(login: "alice", username: "Alice", password: secret),
            form: OperationForm(
                "/admin/users/new", ["login": "alice", "username": "Alice", "password": secret.clearText]),
            refused: Refusal(
                CreateUser(login: "rooty", username: "x", password: secret),
                ["login": "rooty", "username": "x", "password": secret.clearText],
                "A user with login 'rooty' exists already. List logins with 'manage user list'."),
            effect: .new { try await $0.has(user: "alice") }),
        OperationStep(
            on: "bob", CreateUser(login: "bob", username: "Bob", password: secret),
            form: OperationForm("/admin/users/new", ["login": "bob", "username": "Bob", "password": secret.clearText]),
            effect: .new { try await $0.has(user: "bob") }),
        OperationStep(
            on: "alice", UpdateUser(login: "alice", bio: "Hello."),
            form: OperationForm("/admin/users/update", ["login": "alice", "new_login": "alice", "bio": "Hello."]),
            refused: Refusal(UpdateUser(login: ghost, bio: "x"), ["login": ghost, "new_login": ghost], noUser),
            effect: .new { try await $0.runner.run(ShowUser(login: "alice")).user.bio == "Hello." }),
        OperationStep(
            on: "alice", LimitUser(login: "alice", changes: [.flows: "3"]),
            form: OperationForm("/admin/users/limits", ["login": "alice", "limit-flows": "3"]),
            refused: Refusal(
                LimitUser(login: ghost, changes: [.flows: "3"]), ["login": ghost, "limit-flows": "3"], noUser),
            effect: .new { try await $0.runner.run(ShowLimits(login: "alice")).limits == [.flows: "3"] }),
    ]

    private static let flows = [
        OperationStep(
            { _ in CreateFlow(owner: "alice", type: .group, title: "Lunch", members: ["bob"]) },
            target: { try await $0.flow("Lunch").uuid },
            form: { _ in
                OperationForm(
                    "/admin/flows/new", ["owner": "alice", "type": "group", "title": "Lunch", "members": "bob"])
            },
            refused: Refusal(
                CreateFlow(owner: ghost, type: .group, title: "Lunch"),
                ["owner": ghost, "type": "group", "title": "Lunch"], noUser),
            effect: .new { try await $0.has(flow: "Lunch") }),
        OperationStep(
            { _ in UpdateFlow(uuid: "Lunch", info: "At noon.") }, target: { try await $0.flow("Lunch").uuid },
            form: { _ in OperationForm("/admin/flows/update", ["flow": "Lunch", "info": "At noon."]) },
            refused: Refusal(UpdateFlow(uuid: ghost, info: "x"), ["flow": ghost, "info": "x"], noFlow),
            effect: .new { try await $0.flow("Lunch").info == "At noon." }),
        OperationStep(
            { _ in RemoveMember(uuid: "Lunch", login: "bob") }, target: { try await $0.flow("Lunch").uuid },
            form: { _ in OperationForm("/admin/flows/members/remove", ["flow": "Lunch", "login": "bob"]) },
            refused: Refusal(
                RemoveMember(uuid: "Lunch", login: "alice"), ["flow": "Lunch", "login": "alice"],
                "The owner 'alice' cannot be removed."),
            effect: .new { try await $0.members() == ["alice"] }),
        OperationStep(
            { _ in AddMember(uuid: "Lunch", login: "bob") }, target: { try await $0.flow("Lunch").uuid },
            form: { _ in OperationForm("/admin/flows/members/add", ["flow": "Lunch", "login": "bob"]) },
            refused: Refusal(AddMember(uuid: "Lunch", login: ghost), ["flow": "Lunch", "login": ghost], noUser),
            effect: .new { try await $0.members().contains("bob") }),
        OperationStep(
            on: nil, SeedFlows(users: 2, flows: 2, messages: 3),
            refused: Refusal(
                SeedFlows(flows: 0, messages: 1), "Messages need a group to be in. Ask for one flow or more."),
            effect: .new { try await $0.has(flow: "Welcome") }),
        OperationStep(
            on: nil, ExpireMessages(group: 86_400),
            refused: Refusal(
                ExpireMessages(group: 1), "The age for type group is not from an hour to a century."),
            effect: .holds {
                try await $0.runner.run(ExpireMessages(group: 86_400, isTrial: true)).expired.map(\.messages) == [0]
            }),
        OperationStep(
            { DeleteMessage(uuid: try await $0.message().uuid) }, deletes: true,
            target: { try await $0.message().uuid },
            form: { OperationForm("/admin/messages/delete", ["message": try await $0.message().uuid]) },
            refused: Refusal(
                DeleteMessage(uuid: "1"), ["message": "1"],
                "No message with uuid 1. Find messages with 'manage message search WORD'."),
            effect: .new { try await $0.message().isDeleted }),
        OperationStep(
            { _ in DeleteFlow(uuid: "Lunch") }, deletes: true, target: { try await $0.flow("Lunch").uuid },
            form: { _ in OperationForm("/admin/flows/delete", ["flow": "Lunch"]) },
            refused: Refusal(DeleteFlow(uuid: ghost), ["flow": ghost], noFlow),
            effect: .new { try await !$0.has(flow: "Lunch") }),
        OperationStep(on: nil, RemoveSeed(), effect: .new { try await !$0.has(flow: "Welcome") }),
    ]

    private static let invites = [
        OperationStep(
            { _ in CreateInvite(uses: 2) }, target: { try await $0.invites().first?.id },
            form: { _ in OperationForm("/admin/invites", ["uses": "2"]) },
            refused: Refusal(CreateInvite(uses: 0), ["uses": "0"], "A code makes 1 to 1000000 accounts, not 0."),
            effect: .new { try await $0.invites().map(\.usesLeft) == [2] }),
        OperationStep(
            { RevokeInvite(id: try #require(try await $0.invites().first).id) },
            target: { try await $0.invites().first?.id },
            form: { OperationForm("/admin/invites/revoke", ["id": try #require(try await $0.invites().first).id]) },
            refused: Refusal(
                RevokeInvite(id: "00"), ["id": "00"],
                "An id of an invitation has 6 to 64 digits. List them with 'manage invite list --all'."),
            effect: .new { try await $0.invites().map(\.status) == [.revoked] }),
    ]

    /// Without a server the list says only that the node is silent, on a slow machine.
    private static let nodes = [
        OperationStep(
            on: "one", DrainNode(node: "one"), form: OperationForm("/admin/nodes/drain", ["node": "one"]),
            refused: Refusal(DrainNode(node: ghost), ["node": ghost], noNode),
            effect: .holds { try await $0.runner.run(ListNodes()).nodes.map(\.status) != [.serving] }),
        OperationStep(
            on: "one", DrainNode(node: "one", message: "Down at <8>.", seconds: 600),
            form: OperationForm(
                "/admin/nodes/drain", ["node": "one", "message": "Down at <8>.", "minutes": "10"]),
            refused: Refusal(
                DrainNode(node: "one", seconds: 90_000), ["node": "one", "minutes": "1500"],
                "A drain begins after at most a day, 86400 seconds, not after 90000."),
            effect: .holds { try await $0.runner.run(ListNodes()).nodes.map(\.message) == ["Down at <8>."] }),
        OperationStep(
            on: "one", ResumeNode(node: "one"), form: OperationForm("/admin/nodes/resume", ["node": "one"]),
            refused: Refusal(ResumeNode(node: ghost), ["node": ghost], noNode),
            effect: .holds { try await $0.runner.run(ListNodes()).nodes.map(\.status) != [.draining] }),
    ]

    /// The bot of the health check is the one account here that has sessions: what ends them shows there.
    private static let testClient = [
        logInOfTestClient,
        OperationStep(
            on: "testclient", SetPassword(login: "testclient", password: secret),
            form: OperationForm("/admin/users/password", ["login": "testclient", "password": secret.clearText]),
            refused: Refusal(
                SetPassword(login: ghost, password: secret), ["login": ghost, "password": secret.clearText], noUser),
            effect: .new { try await !$0.testClientIsThere() }),
        logInOfTestClient,
        OperationStep(
            on: "testclient", LogOutUser(login: "testclient"),
            form: OperationForm("/admin/users/logout", ["login": "testclient"]),
            refused: Refusal(LogOutUser(login: ghost), ["login": ghost], noUser),
            effect: .new { try await !$0.testClientIsThere() }),
        OperationStep(
            {
                let login = try await $0.runner.run(IssueTestClientToken())
                return EndSession(uuid: login.uuid, token: login.token)
            }, target: { try await $0.runner.run(ShowUser(login: "testclient")).user.uuid },
            effect: .new { try await !$0.testClientIsThere() }),
        logInOfTestClient,
        OperationStep(
            { scene in
                let sessions = try await scene.runner.run(ListSessions(login: "testclient")).sessions
                return EndTestClient(session: try #require(sessions.first).id)
            }, target: { _ in "testclient" }, effect: .new { try await !$0.testClientIsThere() }),
    ]

    private static let logInOfTestClient = OperationStep(
        on: "testclient", IssueTestClientToken(), effect: .new { try await $0.testClientIsThere() })

    private static let carol = ImportedUser(uuid: "31", login: "carol", username: "Carol")
    private static let dave = ImportedUser(uuid: "32", login: "dave", username: "Dave")
    private static var dinner: ImportedFlow {
        var flow = ImportedFlow(uuid: "33", type: .group, members: [carol.uuid, dave.uuid])
        flow.title = "Dinner"
        return flow
    }
    private static let hello = MessageToImport(uuid: "41", flow: "33", author: carol.uuid, time: 1, text: "Hello.")

    private static let imports = [
        OperationStep(
            on: nil, ImportUsers([carol, dave], isDryRun: false), effect: .new { try await $0.has(user: "dave") }),
        OperationStep(
            on: nil, ImportContacts([.init(user: carol.uuid, contact: dave.uuid)], isDryRun: false), effect: .untold),
        OperationStep(
            on: nil, ImportFlows([dinner], isDryRun: false), effect: .new { try await $0.has(flow: "Dinner") }),
        OperationStep(
            on: nil, ImportMessages([hello], isDryRun: false),
            refused: Refusal(
                ImportMessages(Array(repeating: hello, count: ImportMessages.maximumCount + 1), isDryRun: false),
                "At most 1000 messages are taken at once."),
            effect: .new { try await $0.runner.run(ListMessages(uuid: "Dinner")).items.map(\.text) == ["Hello."] }),
    ]

    private static let server = [
        OperationStep(
            on: nil, CheckDatabase(fix: true),
            effect: .holds { try await $0.runner.run(CheckDatabase()).problems.isEmpty }),
        OperationStep(
            on: nil, CollectGarbage(),
            effect: .holds { try await $0.runner.run(CollectGarbage(isTrial: true)).events == 0 }),
        OperationStep(on: nil, ReloadServer(), effect: .new { $0.reloads() > 0 }),
        OperationStep(
            on: "Transport", SetLogLevel(module: "Transport", level: "debug"),
            refused: Refusal(
                SetLogLevel(level: "default"), "Only a module can go back to the level of the others. Name a module."),
            effect: .new { try await $0.runner.run(SetLogLevel()).modules.map(\.value) == ["DEBUG"] }),
    ]

    private static let keep = "BACKUP.KEEP"
    private static let settingForm = "/admin/settings/change"

    private static let settings = [
        OperationStep(
            on: keep, ChangeSetting(key: keep, value: SecretText("3")),
            form: OperationForm(settingForm, ["key": keep, "value": "3"]),
            refused: Refusal(
                ChangeSetting(key: keep, value: SecretText("many")), ["key": keep, "value": "many"],
                "'many' is not a whole number. Write a whole number, 1 to 10000."),
            effect: .new { try await $0.comingValue(of: keep) == "3" }),
        OperationStep(
            on: keep, ChangeSetting(key: keep, value: nil), form: OperationForm("/admin/settings/unset", ["key": keep]),
            effect: .new { try await $0.comingValue(of: keep) == nil }),
    ]

    private static let backups = [
        OperationStep(
            on: nil, CreateBackup(), form: OperationForm("/admin/backups", [:]),
            effect: .new { try await $0.backup() != nil }),
        // It only reads, but everything of everybody: who may change nothing may not have it either.
        OperationStep(
            { DownloadBackup(name: try #require(try await $0.backup())) },
            target: { try await $0.backup() },
            form: { OperationForm("/admin/backups/download", ["name": try #require(try await $0.backup())]) },
            refused: Refusal(
                DownloadBackup(name: ghost), ["name": ghost],
                "There is no backup 'ghost'. List them with 'manage backup list'."),
            effect: .untold),
    ]

    private static let ends = [
        OperationStep(
            on: "alice", ExportUser(login: "alice"), refused: Refusal(ExportUser(login: ghost), noUser), effect: .untold
        ),
        OperationStep(
            on: "alice", EraseUser(login: "alice"), refused: Refusal(EraseUser(login: ghost), noUser),
            effect: .new { try await !$0.has(user: "alice") }),
        OperationStep(
            on: "bob", DeleteUser(login: "bob"), form: OperationForm("/admin/users/delete", ["login": "bob"]),
            refused: Refusal(DeleteUser(login: ghost), ["login": ghost], noUser),
            effect: .new { try await !$0.has(user: "bob") }),
        OperationStep(
            on: "root", DeleteSuperuser(username: "root"),
            form: OperationForm("/admin/administrators/delete", ["username": "root"]),
            refused: Refusal(DeleteSuperuser(username: ghost), ["username": ghost], noAdministrator),
            effect: .new { try await $0.administrator("root") == nil }),
    ]
}
