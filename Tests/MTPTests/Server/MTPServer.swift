// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Logging
import MTP
import TestClient
import Testing
import Transport

/// The protocol on a free port.
struct MTPServer: Sendable {
    let server: ServerUnderTest

    var test: ChatUnderTest { server.test }
    var url: String { server.url(MTPService.path) }

    /// Serves while `body` runs.
    static func with(
        _ kind: StorageKind = .sqliteMemory, policy: ChatPolicy = ChatPolicy(),
        options: MTPService.Options = MTPService.Options(),
        limits: ConnectionRegistry.WebSocketLimits = ConnectionRegistry.WebSocketLimits(),
        peers: PeerLimits = PeerLimits(),
        _ body: (MTPServer) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func routes(_ chat: Chat, _ registry: ConnectionRegistry) -> [WebSocketRoute] {
            [MTPService(chat: chat, options: options, registry: registry, logger: logger).route]
        }
        try await withServer(kind, policy: policy, limits: limits, peers: peers, routes: routes) { server in
            try await body(MTPServer(server: server))
        }
    }

    /// A connection that nobody has logged in on.
    func connect() async throws -> MTPClient {
        try await MTPClient.connect(url: url)
    }

    /// Makes an account on a connection of its own.
    func join(_ login: String) async throws -> MTPPerson {
        let client = try await connect()
        let credentials = try await client.register(login: login, password: MTPPerson.password)
        return MTPPerson(login: login, client: client, credentials: credentials)
    }

    /// Logs in once more, on another connection.
    func logIn(_ login: String) async throws -> MTPPerson {
        let client = try await connect()
        let credentials = try await client.authenticate(login: login, password: MTPPerson.password)
        return MTPPerson(login: login, client: client, credentials: credentials)
    }
}

/// Somebody with a connection and a login.
struct MTPPerson: Sendable {
    static let password = "correct horse battery staple"

    let login: String
    let client: MTPClient
    let credentials: MTPCredentials

    var uuid: String { credentials.uuid }

    /// The same account on another connection.
    func on(_ other: MTPClient) -> MTPPerson {
        MTPPerson(login: login, client: other, credentials: credentials)
    }

    /// A request whose answer must be a success.
    @discardableResult
    func ask(_ request: MTPRequest) async throws -> MTPResponse {
        let answer = try await client.request(request)
        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
        return answer
    }

    /// Makes a flow and answers with its uuid; without `users` a public one.
    func createFlow(_ type: String = "group", users: [MTPPerson] = []) async throws -> String {
        let answer = try await ask(.addFlow(as: credentials, type: type, title: "title", users: users.map(\.uuid)))
        return try #require(answer.data?.flow?.first?.uuid?.description)
    }

    /// Sends a text and answers with the message's uuid.
    @discardableResult
    func send(_ text: String, to flow: String, clientID: Int64 = 1) async throws -> String {
        let answer = try await ask(message(text, to: flow, clientID: clientID))
        return try #require(answer.data?.message?.first?.uuid?.description)
    }

    func message(_ text: String, to flow: String, clientID: Int64 = 1) -> MTPRequest {
        .sendMessage(as: credentials, flow: flow, MessageObject(clientID: clientID, text: JSONText(text)))
    }

    func texts(in flow: String, start: Int64 = 0, end: Int64 = 100) async throws -> [String] {
        let answer = try await ask(.allMessages(as: credentials, flow: flow, start: start, end: end))
        return answer.data?.message?.compactMap(\.text?.string) ?? []
    }

    /// Switches pushes on; they begin with what happens after this.
    @discardableResult
    func switchPushOn() async throws -> String {
        var request = MTPRequest.pingPong(as: credentials)
        request.meta = MTPMeta(push: true)
        let answer = try await ask(request)
        return try #require(answer.meta?.since)
    }

    /// The next frame that the server sends of its own accord.
    func nextPush() async throws -> MTPResponse {
        for await push in client.pushes { return push }
        throw MTPEnded(closure: client.closure)
    }

    /// The texts that are pushed, up to this one, which must come.
    func pushedTexts(upTo last: String) async throws -> [String] {
        var texts: [String] = []
        while texts.last != last {
            texts += try await nextPush().data?.message?.compactMap(\.text?.string) ?? []
        }
        return texts
    }
}

/// The connection ended where a push was expected.
struct MTPEnded: Error {
    var closure: WebSocketClosure?
}
