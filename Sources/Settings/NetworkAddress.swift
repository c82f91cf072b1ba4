// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A host and a TCP port, written `HOST:PORT` or `[IPv6]:PORT`.
package struct NetworkAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name or an address without brackets.
    package var host: String
    /// The port, 0 to 65535.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `HOST:PORT`, with brackets around an IPv6 address.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether a host to listen on can be reached from this machine only.
    package static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" || name == "0:0:0:0:0:0:0:1" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether a host to listen on stands for every address of the machine, so that no client can connect to it.
    package static func isWildcard(_ host: String) -> Bool {
        let isZeroesOnly = host.utf8.allSatisfy {
            [UInt8(ascii: "0"), UInt8(ascii: "."), UInt8(ascii: ":")].contains($0)
        }
        return isZeroesOnly && host.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }
}
