// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Operations
import Settings
import Synchronization

/// Collects what the listeners serve, and tells when all of them accept connections.
final class Announcement: Sendable {
    private struct State {
        var missing: Int
        var addresses: [Int: [ParleyServer.Address]] = [:]
        var endpoints: [String: String] = [:]
        var listeners: [ServerListener] = []
    }

    private let state: Mutex<State>
    private let onComplete: @Sendable ([ParleyServer.Address], _ endpoints: [String: String]) async -> Void

    init(
        listeners: Int,
        _ onComplete: @escaping @Sendable ([ParleyServer.Address], _ endpoints: [String: String]) async -> Void
    ) {
        state = Mutex(State(missing: listeners))
        self.onComplete = onComplete
    }

    /// What clients can connect to so far, by the place of the listener.
    var addresses: [ParleyServer.Address] {
        state.withLock { state in state.addresses.sorted { $0.key < $1.key }.flatMap(\.value) }
    }

    /// What this machine's commands can connect to so far.
    var listeners: [ServerListener] { state.withLock { $0.listeners } }

    /// Notes that a listener accepts connections.
    ///
    /// - Parameters:
    ///   - place: Its place among the listeners.
    ///   - addresses: What people are told.
    ///   - endpoints: What clients are told, by the name of the protocol.
    ///   - listeners: What commands on this machine are told.
    func isRunning(
        _ place: Int, _ addresses: [ParleyServer.Address], endpoints: [String: String] = [:],
        listeners: [ServerListener] = []
    ) async {
        let complete = state.withLock { state -> [String: String]? in
            state.addresses[place] = addresses
            state.endpoints.merge(endpoints) { $1 }
            state.listeners += listeners
            state.missing -= 1
            return state.missing == 0 ? state.endpoints : nil
        }
        if let complete { await onComplete(self.addresses, complete) }
    }
}

extension NetworkAddress {
    /// The host as a URL names it: an address of version 6 in brackets, this machine's name for "every address".
    var hostInURL: String {
        switch host {
        case "0.0.0.0", "::", "[::]", "*": Self.machineName
        case _ where host.contains(":"): "[\(host)]"
        default: host
        }
    }

    private static var machineName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}
