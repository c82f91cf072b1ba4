// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness

/// How many connections ask, and how many requests each of them has outstanding; written `64x8`.
struct Shape: Hashable, Sendable, CustomStringConvertible {
    let connections: Int
    let outstanding: Int

    init(_ connections: Int, _ outstanding: Int) {
        self.connections = connections
        self.outstanding = outstanding
    }

    /// Reads shapes such as `1x1,64x8`.
    static func list(_ text: String) throws(BenchmarkFailure) -> [Shape] {
        var shapes: [Shape] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = word.split(separator: "x").map { Int($0) ?? 0 }
            guard numbers.count == 2, (1...RequestFrames.maximumConnections).contains(numbers[0]),
                (1...4096).contains(numbers[1])
            else {
                throw BenchmarkFailure(
                    "--shapes must be connections x outstanding with commas between, such as 1x1,64x8, with at most "
                        + "\(RequestFrames.maximumConnections) connections, not '\(text)'.")
            }
            shapes.append(Shape(numbers[0], numbers[1]))
        }
        return shapes
    }

    var description: String { "\(connections)x\(outstanding)" }
}

/// What is asked for, by how many; one group of lines in the table.
struct BenchmarkCase: Sendable {
    /// The requests that are measured.
    enum Request: String, CaseIterable, Sendable {
        case sendMessage = "send_message"
        case pingPong = "ping_pong"
        /// A page of 100 messages.
        case page = "all_messages"
    }

    let request: Request
    let shape: Shape
    /// Whether each connection has switched pushes on.
    var push = false
    /// Messages that the server has before; in the rooms that the connections write to.
    var history = 0
    var rooms = 0

    var description: String {
        let requests = "\(request.rawValue), \(shape)\(push ? ", push" : "")"
        return history > 0 ? requests + ", beside \(history) messages in \(rooms) rooms" : requests
    }
}
