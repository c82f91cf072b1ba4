// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// Asks the system for the addresses of a server before any of its listeners runs.
package enum ListenerCheck {
    /// Why an address cannot be had.
    package struct Failure: Error {
        /// The place of the address among those that were asked for.
        package let index: Int
        /// The place of an earlier address with the same port, if that is why.
        package let other: Int?
        /// What is the matter.
        package let error: ListenerError
    }

    /// Takes all addresses at once, gives them back, and tells the first that cannot be had.
    ///
    /// Connections that come meanwhile are closed; none is read. Sockets that listen already are not touched.
    ///
    /// - Returns: The first failure; `nil` when all addresses are free.
    package static func firstFailure(
        of addresses: [ListenerAddress], group: any EventLoopGroup
    ) async -> Failure? {
        var held: [any Channel] = []
        var failure: Failure?
        for (index, address) in addresses.enumerated() where address.socket == nil {
            do {
                let channel = try await ServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .serverChannelOption(.autoRead, value: false)
                    .bind(host: address.host, port: address.port).get()
                held.append(channel)
            } catch {
                let problem = ListenerError(error, address: address)
                let isTaken = problem.code == .addressInUse
                let other = isTaken ? addresses[..<index].firstIndex { $0.collides(with: address) } : nil
                failure = Failure(index: index, other: other, error: problem)
                break
            }
        }
        for channel in held { try? await channel.close() }
        return failure
    }
}

extension ListenerAddress {
    fileprivate func collides(with other: ListenerAddress) -> Bool {
        let everywhere: Set = ["0.0.0.0", "::"]
        let isSameHost = host == other.host || everywhere.contains(host) || everywhere.contains(other.host)
        return port != 0 && port == other.port && isSameHost
    }
}
