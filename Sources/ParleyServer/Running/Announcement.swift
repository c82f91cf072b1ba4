// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Synchronization

/// Collects what the listeners serve, and tells when all of them accept connections.
final class Announcement: Sendable {
    private struct State {
        var missing: Int
        var addresses: [ParleyServer.Address] = []
    }

    private let state: Mutex<State>
    private let onComplete: @Sendable ([ParleyServer.Address]) async -> Void

    init(listeners: Int, _ onComplete: @escaping @Sendable ([ParleyServer.Address]) async -> Void) {
        state = Mutex(State(missing: listeners))
        self.onComplete = onComplete
    }

    /// What clients can connect to so far.
    var addresses: [ParleyServer.Address] { state.withLock { $0.addresses } }

    /// Notes that a listener accepts connections.
    func isRunning(_ addresses: [ParleyServer.Address]) async {
        let isComplete = state.withLock { state in
            state.addresses += addresses
            state.missing -= 1
            return state.missing == 0
        }
        if isComplete { await onComplete(self.addresses) }
    }
}

extension Settings.Server {
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
