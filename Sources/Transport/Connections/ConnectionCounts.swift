// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Counts the open connections, all together and of each address, and refuses those beyond the limits.
final class ConnectionCounts: Sendable {
    /// Whose connections are counted together.
    enum Source: Hashable {
        case ipv4(UInt32)
        /// The network of an IPv6 address: its first 64 bits.
        case ipv6(UInt64)

        /// `nil` for this machine and for what is no IP address.
        init?(_ address: SocketAddress?) {
            guard let address else { return nil }
            // The address lies after family and port, of IPv6 also after the flow's label.
            let bytes = address.withSockAddr { pointer, count in
                Array(UnsafeRawBufferPointer(start: pointer, count: count))
            }
            switch address {
            case .v4:
                let bits = UInt32(truncatingIfNeeded: Self.number(bytes[4..<8]))
                guard bits >> 24 != 127 else { return nil }
                self = .ipv4(bits)
            case .v6:
                let (high, low) = (Self.number(bytes[8..<16]), Self.number(bytes[16..<24]))
                if high == 0, low >> 32 == 0xFFFF {
                    // An IPv4 address on a socket for both.
                    let bits = UInt32(truncatingIfNeeded: low)
                    guard bits >> 24 != 127 else { return nil }
                    self = .ipv4(bits)
                } else {
                    guard high != 0 || low != 1 else { return nil }
                    self = .ipv6(high)
                }
            case .unixDomainSocket: return nil
            }
        }

        private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private struct State {
        var all = 0
        var ofSource: [Source: Int] = [:]
    }

    private let limits: PeerLimits
    private let state = Mutex(State())

    init(limits: PeerLimits) {
        self.limits = limits
    }

    /// Counts a connection until ``leave()``, unless there are too many.
    func admit() -> Bool {
        state.withLock { state in
            if let limit = limits.connections, state.all >= limit { return false }
            state.all += 1
            return true
        }
    }

    /// Forgets a connection that was admitted.
    func leave() {
        state.withLock { $0.all -= 1 }
    }

    /// Counts a connection of an address until ``leave(_:)``, unless it has too many.
    func admit(_ source: Source) -> Bool {
        guard let limit = limits.connectionsPerAddress else { return true }
        return state.withLock { state in
            guard state.ofSource[source, default: 0] < limit else { return false }
            state.ofSource[source, default: 0] += 1
            return true
        }
    }

    /// Forgets a connection of an address that was admitted.
    func leave(_ source: Source) {
        state.withLock { state in
            guard let count = state.ofSource[source] else { return }
            state.ofSource[source] = count > 1 ? count - 1 : nil
        }
    }
}
