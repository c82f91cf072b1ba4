// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

/// A TCP relay before the server that can be taken away, brought back on the same port, cut at a COMMIT, or hang.
final class FaultyProxy: Sendable {
    /// What to do with the next COMMIT that passes.
    enum CommitFault: Sendable {
        /// The server never sees it.
        case cutBeforeServer
        /// The server answers it, and the client never sees the answer.
        case cutBeforeClient
        /// The server never sees it, and the connection stays.
        case stallBeforeServer
        /// The server answers it, the client never sees the answer, and the connection stays.
        case stallBeforeClient
    }

    private struct State {
        var listener: Int32 = -1
        var connections: Set<Int32> = []
        var accepted = 0
        var roundTrips = 0
        var fault: CommitFault?
        var isHung = false
        var threads = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let port: Int
    private let upstream: Int
    private let state = Mutex(State())

    init(upstream: Int) throws {
        self.upstream = upstream
        let (listener, port) = try Self.listen(on: 0)
        self.port = port
        state.withLock { $0.listener = listener }
        accept(on: listener)
    }

    /// Connections made so far.
    var accepted: Int { state.withLock { $0.accepted } }

    /// How often the server has answered since a client spoke, on all connections.
    var roundTrips: Int { state.withLock { $0.roundTrips } }

    /// Breaks the next COMMIT.
    func breakNextCommit(_ fault: CommitFault) {
        state.withLock { $0.fault = fault }
    }

    /// Lets nothing pass from now on, as a server that hangs: connections stay, new ones are made, and nobody answers.
    func hang() {
        state.withLock { $0.isHung = true }
    }

    /// Lets connections work again that are made from now on, or that were idle meanwhile.
    func wake() {
        state.withLock { $0.isHung = false }
    }

    /// Takes the server away: connections break, new ones are refused, and all is closed on return.
    func stop() async {
        state.withLock { state in
            shutdown(state.listener, Int32(SHUT_RDWR))
            for descriptor in state.connections { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        await drained()
    }

    /// The server is back.
    func restart() throws {
        let (listener, _) = try Self.listen(on: port)
        state.withLock { $0.listener = listener }
        accept(on: listener)
    }

    /// Waits until the relay holds no connection and listens no more.
    private func drained() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state -> Bool in
                if state.threads == 0 { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: Sockets

    private static func listen(on port: Int) throws -> (Int32, Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        try #require(LoopbackAddress.with(port: port) { bind(descriptor, $0, $1) } == 0)
        try #require(Glibc.listen(descriptor, 64) == 0)
        return (descriptor, try #require(LoopbackAddress.port(of: descriptor)))
    }

    private func thread(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.threads += 1 }
        final class Start: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let start = Start {
            body()
            let waiters = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.threads -= 1
                guard state.threads == 0 else { return [] }
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
        var id = pthread_t()
        pthread_create(
            &id, nil,
            { context in
                if let context { Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        pthread_detach(id)
    }

    private func accept(on listener: Int32) {
        thread {
            while true {
                let client = Glibc.accept(listener, nil, nil)
                guard client >= 0 else { break }
                let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                guard LoopbackAddress.with(port: self.upstream, { connect(server, $0, $1) }) == 0 else {
                    close(client)
                    close(server)
                    continue
                }
                self.state.withLock { state in
                    state.accepted += 1
                    state.connections.formUnion([client, server])
                }
                self.thread { self.relay(client, server) }
            }
            close(listener)
        }
    }

    private func relay(_ client: Int32, _ server: Int32) {
        var fault: CommitFault?
        // What once was held back makes what follows meaningless.
        var isStalled = false
        var isAsked = false
        var entries = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&entries, 2, -1) > 0 else { break }
            if entries[0].revents != 0 {
                guard let bytes = Self.receive(client) else { break }
                isAsked = true
                if bytes.contains("COMMIT\0"), fault == nil { fault = state.withLock { $0.fault.take() } }
                if fault == .cutBeforeServer { break }
                isStalled = isStalled || fault == .stallBeforeServer || state.withLock { $0.isHung }
                guard isStalled || Self.send(server, bytes) else { break }
            }
            if entries[1].revents != 0 {
                guard let bytes = Self.receive(server), fault != .cutBeforeClient else { break }
                if isAsked { state.withLock { $0.roundTrips += 1 } }
                isAsked = false
                isStalled = isStalled || fault == .stallBeforeClient || state.withLock { $0.isHung }
                guard isStalled || Self.send(client, bytes) else { break }
            }
        }
        state.withLock { state in
            state.connections.subtract([client, server])
            close(client)
            close(server)
        }
    }

    private static func receive(_ descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    private static func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool {
        let needle = Array(text.utf8)
        guard count >= needle.count else { return false }
        return (0...(count - needle.count)).contains { self[$0..<($0 + needle.count)].elementsEqual(needle) }
    }
}
