// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Logging
import Storage
import Synchronization
import Testing
import Web

@testable import AdminAPI
@testable import Operations

/// The API over a fresh domain, without sockets.
struct Desk: Sendable {
    /// A token that may do everything.
    static let writer = "writer-token"
    /// A token that may only look.
    static let reader = "reader-token"

    struct Reply {
        var status: Int
        var headers: [(name: String, value: String)]
        var bytes: [UInt8]
        var stream: (@Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void)?

        subscript(header name: String) -> String? { headers.first { $0.name == name }?.value }

        /// The body as JSON.
        var json: JSONValue? { try? JSONValue.parse(bytes) }

        /// The member of a problem, or of any object.
        func text(_ name: String) -> String? { json?[name]?.string }
    }

    let api: AdminAPI
    let chat: Chat
    let jobs: JobBoard
    let clock: Mutexed<ContinuousClock.Instant>

    /// A value that a test changes while the API reads it.
    final class Mutexed<Value: Sendable>: Sendable {
        private let mutex: Mutex<Value>

        init(_ value: Value) { mutex = Mutex(value) }

        var value: Value {
            get { mutex.withLock { $0 } }
            set { mutex.withLock { $0 = newValue } }
        }
    }

    /// Runs `body` at a desk.
    static func open(_ body: (Desk) async throws -> Void) async throws {
        try await ChatUnderTest.with { test in
            let chat = test.chat
            let jobs = JobBoard(now: { chat.currentTime }, makeID: { chat.newIdentifier().description })
            let clock = Mutexed(ContinuousClock.now)
            let api = try AdminAPI(
                context: OperationContext(chat: chat), jobs: jobs,
                authenticate: { (token) async throws(OperationError) -> AdminPrincipal? in
                    switch token.clearText {
                    case Self.writer: AdminPrincipal(name: "wendy", scope: .write)
                    case Self.reader: AdminPrincipal(name: "rita", scope: .read)
                    default: nil
                    }
                }, now: { clock.value }, logger: Logger(label: "desk") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await jobs.run() }
                defer { jobs.close() }
                try await body(Desk(api: api, chat: chat, jobs: jobs, clock: clock))
            }
        }
    }

    /// Sends a request; `target` stands below `/admin/api/v1` and may have a query.
    func ask(
        _ method: String, _ target: String, token: String? = Desk.writer, body: String? = nil,
        type: String? = "application/json", accept: String? = nil, from address: String = "127.0.0.1",
        isEncrypted: Bool = false
    ) async -> Reply {
        let sides = target.split(separator: "?", maxSplits: 1)
        let bytes = Array((body ?? "").utf8)
        let answer = await api.answer(
            APICall(
                method: method, path: "/admin/api/v1" + (sides.first.map(String.init) ?? ""),
                query: sides.count > 1 ? String(sides[1]) : "", accept: accept,
                authorization: token.map { "Bearer \($0)" }, contentType: body == nil ? nil : type, address: address,
                isEncrypted: isEncrypted, body: { bytes.count <= $0 ? bytes : nil }))
        switch answer.body {
        case .bytes(let bytes): return Reply(status: answer.status, headers: answer.headers, bytes: bytes)
        case .stream(let stream):
            return Reply(status: answer.status, headers: answer.headers, bytes: [], stream: stream)
        }
    }

    /// Makes an account.
    func user(_ login: String) async {
        let made = await ask(
            "POST", "/users", body: #"{"login":"\#(login)","username":"\#(login)","password":"a password"}"#)
        #expect(made.status == 201)
    }

    /// The job of an answer as it is when it has ended.
    func ended(_ reply: Reply) async throws -> Reply {
        let id = try #require(reply.text("id"))
        let events = await ask("GET", "/jobs/\(id)", accept: "text/event-stream")
        try await events.stream? { _ in }
        return await ask("GET", "/jobs/\(id)")
    }
}
