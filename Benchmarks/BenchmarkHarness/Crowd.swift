// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// Many connections to one server, spread over several loopback addresses and all event loops.
package struct Crowd: Sendable {
    /// In the order of the members.
    package let channels: [any Channel]

    /// The loops of a load generator.
    package static var loops: [any EventLoop] { Array(MultiThreadedEventLoopGroup.singleton.makeIterator()) }

    /// Connects all members, some at the same time.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - port: Of the server.
    ///   - path: Of the endpoint.
    ///   - addresses: How many loopback addresses, from 127.0.0.1.
    ///   - lanes: How many connect at the same time.
    ///   - member: Makes what gets the messages of a connection, by its number and that of its loop; called on the
    ///     loop.
    /// - Returns: The crowd; every member was told that it is open.
    /// - Throws: What kept one of them from connecting.
    package static func connect(
        _ count: Int, port: Int, path: String = "/ws", addresses: Int, lanes: Int = 32,
        member: @escaping @Sendable (_ index: Int, _ loop: Int) -> any CrowdMember
    ) async throws -> Crowd {
        let loops = loops
        return try await withThrowingTaskGroup(of: [(Int, any Channel)].self) { group in
            for lane in 0..<min(lanes, count) {
                group.addTask {
                    var made: [(Int, any Channel)] = []
                    for index in stride(from: lane, to: count, by: lanes) {
                        let loop = index % loops.count
                        let channel = try await CrowdConnection.connect(
                            host: "127.0.0.\(1 + index % addresses)", port: port, path: path, on: loops[loop]
                        ) { member(index, loop) }
                        made.append((index, channel))
                    }
                    return made
                }
            }
            var all: [(Int, any Channel)] = []
            for try await made in group { all += made }
            return Crowd(channels: all.sorted { $0.0 < $1.0 }.map(\.1))
        }
    }

    /// Ends all connections and waits until they are gone.
    package func disconnect() async {
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
    }
}
