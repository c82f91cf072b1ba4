// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Logging
import Operations
import ParleyServer
import Settings
import Storage
import TestSupport
import Testing

@testable import ManageCommands
@testable import Web

/// Through what operations are asked for in these tests.
protocol OperationFace: Sendable {
    var face: OperationActor.Face { get }
    /// The writing operations that it does not serve, each with the reason.
    var unserved: [String: String] { get }

    /// Asks for an operation; the form is what the panel is asked with.
    ///
    /// - Returns: The words of the refusal; `nil` when it was done.
    func attempt(_ operation: any AdminOperation, _ form: OperationForm?) async throws -> String?

    /// Expects that those who may not change anything are refused.
    ///
    /// - Returns: How many of them are recorded.
    func strangersAreRefused(_ operation: any AdminOperation, _ form: OperationForm?) async throws -> Int64
}

/// Commands, with and without a server: what may open the file and the socket, may do everything.
struct CommandFace: OperationFace {
    let face: OperationActor.Face
    let unserved: [String: String]
    let runner: OperationRunner

    func attempt(_ operation: any AdminOperation, _: OperationForm?) async throws -> String? {
        do {
            try await perform(operation)
            return nil
        } catch let error as OperationError {
            return error.description
        }
    }

    private func perform(_ operation: some AdminOperation) async throws { _ = try await runner.run(operation) }

    func strangersAreRefused(_: any AdminOperation, _: OperationForm?) async throws -> Int64 { 0 }
}

/// Every operation that writes, through the command line without a server, the admin socket, the HTTP API and the admin
/// panel: the same effect, one record with who, what and on whom, and the same words when it is refused.
@Suite(.timeLimit(.minutes(10)))
struct AuditedOperationTests {
    private static let administrator = "admin"
    /// Forms behind which there is no operation that writes; `PanelSecurityTests` tries who may not send them.
    private static let formsElsewhere: Set<String> = [
        "/admin/logout", "/admin/backups/verify", "/admin/backups/cancel",
    ]
    private static let needsServer = "It is about a server that runs."
    /// What only a running server does.
    private static let ofServers = [
        "server.reload", "server.log_level", "config.set", "backup.create", "backup.download",
    ]

    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    // MARK: The faces

    @Test func withoutAServer() async throws {
        #expect(try await run("db", "create", "-q").status == .done)
        let settings = try self.settings([:])
        try await addNode(settings)
        let runner = OperationRunner(settings: settings)
        let unserved = Dictionary(uniqueKeysWithValues: Self.ofServers.map { ($0, Self.needsServer) })

        try await addAdministrator(runner)
        try await check(
            CommandFace(face: .cli, unserved: unserved, runner: runner),
            OperationScene(runner: runner, reloads: { 0 }))
    }

    @Test func throughTheAdminSocket() async throws {
        try await beside { scene, _ in
            try await check(CommandFace(face: .socket, unserved: [:], runner: scene.runner), scene)
        }
    }

    @Test func throughTheHTTPAPI() async throws {
        try await beside { scene, http in
            func token(_ name: String, _ scope: OperationActor.Scope) async throws -> SecretText {
                let token = CreateToken(name: name, superuser: Self.administrator, scope: scope)
                return try await scene.runner.run(token).secret
            }
            let api = try await APIFace(
                http: http, writer: token("writer", .write), reader: token("reader", .read),
                revoked: token("former", .write))
            _ = try await scene.runner.run(RevokeToken(name: "former"))

            try await check(api, scene)
        }
    }

    @Test func throughTheAdminPanel() async throws {
        try await beside { scene, http in
            let panel = try await PanelFace(http, username: Self.administrator, password: OperationStep.secret)

            let forms = try await check(panel, scene)

            #expect(forms.union(Self.formsElsewhere) == Set(AdminPanel.changed.map(\.path)), "Add these to the steps.")
        }
    }

    private func addNode(_ settings: Settings) async throws {
        let store = try await StoreAccess(settings: settings).open(logger: Logger(label: "test"))
        _ = try await store.storage.registerNode(NewNode(name: "one", address: "", protocols: "{}"))
        await store.close()
    }

    private func settings(_ environment: [String: String]) throws -> Settings {
        try Settings.load(file: nil, environment: environment, overrides: [:], currentFolder: run.folder)
    }

    private func addAdministrator(_ runner: OperationRunner) async throws {
        _ = try await runner.run(
            CreateSuperuser(username: Self.administrator, login: "admin", password: OperationStep.secret))
    }

    /// Runs `body` beside a server of the name `one`.
    private func beside(_ body: @escaping @Sendable (OperationScene, PlainHTTP) async throws -> Void) async throws {
        let reloads = Tally()
        let countReload: @Sendable () -> Void = { reloads.increment() }
        try await WholeServer.during(run, setting: ["PARLEY_CLUSTER_NODE": "one"], onReload: countReload) {
            environment in
            let runner = OperationRunner(settings: try settings(environment))
            let port = try #require(environment["PARLEY_SERVER_PORT"].flatMap { Int($0) })
            try await addAdministrator(runner)
            try await body(
                OperationScene(runner: runner, reloads: { reloads.value }), PlainHTTP(port: port))
        }
    }

    // MARK: What every face must do

    /// - Returns: The forms of the panel that were sent.
    @discardableResult
    private func check(_ face: some OperationFace, _ scene: OperationScene) async throws -> Set<String> {
        let socket = CommandFace(face: .socket, unserved: [:], runner: scene.runner)
        var seen: Set<String> = []
        var forms: Set<String> = []
        for step in OperationStep.all {
            let operation = try await step.operation(scene)
            let name = type(of: operation).name
            seen.insert(name)
            guard face.unserved[name] == nil else {
                if face.face == .cli {
                    try await isRefusedWithoutAServer(operation, face, scene)
                } else {
                    #expect(try await socket.attempt(operation, nil) == nil, "\(name)")
                }
                continue
            }
            let form = face.face == .web ? try await step.form(scene) : nil
            if let form { forms.insert(form.path) }
            try await isRefused(step, face, form, scene)
            try await isDone(step, operation, face, form, scene)
        }

        let writing = Set(OperationRegistry.all.filter { $0.access == .write }.map { $0.name })
        #expect(writing.subtracting(seen) == [], "Add these to the steps.")
        #expect(seen.subtracting(writing) == [], "These say that they only look.")
        #expect(Set(face.unserved.keys).isSubset(of: OperationRegistry.all.map { $0.name }))
        #expect(face.unserved.values.allSatisfy { $0.hasSuffix(".") })
        #expect(try await scene.runner.run(VerifyAudit()).records == newest(scene)?.number ?? 0)
        return forms
    }

    private func isRefusedWithoutAServer(
        _ operation: any AdminOperation, _ face: some OperationFace, _ scene: OperationScene
    ) async throws {
        let text = try await face.attempt(operation, nil)

        #expect(text == "No server is running. Start one with 'manage runserver'.")
        #expect(try await newest(scene)?.refusal == "unavailable")
    }

    /// What is wrong is refused with its words and recorded.
    private func isRefused(
        _ step: OperationStep, _ face: some OperationFace, _ form: OperationForm?, _ scene: OperationScene
    ) async throws {
        guard let refusal = step.refusal else { return }
        let number = try await newest(scene)?.number ?? 0

        let text = try await face.attempt(
            refusal.operation, form.map { OperationForm($0.path, refusal.fields) })

        #expect(text == refusal.text)
        let record = try #require(try await newest(scene))
        let name = type(of: refusal.operation).name
        #expect(record.number == number + 1 && record.what == name && record.face == face.face.rawValue, "\(name)")
        #expect(record.result == .refused && record.target == refusal.operation.target, "\(name)")
    }

    /// Strangers cannot do it, and who may, can; it has one record.
    private func isDone(
        _ step: OperationStep, _ operation: any AdminOperation, _ face: some OperationFace, _ form: OperationForm?,
        _ scene: OperationScene
    ) async throws {
        let name = type(of: operation).name
        var number = try await newest(scene)?.number ?? 0
        number += try await face.strangersAreRefused(operation, form)
        #expect(try await newest(scene)?.number ?? 0 == number, "\(name)")
        if case .new(let effect) = step.effect { #expect(try await !effect(scene), "\(name) has not happened yet") }
        var target = step.deletes ? try await step.target(scene) : nil

        let refusal = try await face.attempt(operation, form)

        #expect(refusal == nil, "\(name)")
        switch step.effect {
        case .new(let effect), .holds(let effect): #expect(try await effect(scene), "\(name) has happened")
        case .untold: break
        }
        if !step.deletes { target = try await step.target(scene) }
        let record = try #require(try await newest(scene))
        #expect(record.number == number + 1, "\(name) has one record")
        #expect(record.what == name && record.face == face.face.rawValue)
        #expect(record.who == who(face.face), "\(name)")
        #expect(record.address == (face.face == .api || face.face == .web ? "127.0.0.1" : nil), "\(name)")
        #expect(record.result == .done && record.target == target, "\(name)")
        #expect(!record.parameters.contains("hunter2"), "\(name)")
    }

    private func who(_ face: OperationActor.Face) -> String {
        switch face {
        case .cli, .socket: OperationActor.systemUser(getuid(), through: face).name
        case .api, .web: Self.administrator
        }
    }

    private func newest(_ scene: OperationScene) async throws -> AuditReport? {
        try await scene.runner.run(ListAudit(range: ListRange(limit: 1))).items.first
    }
}
