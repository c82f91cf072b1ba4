// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Packs what is queued for one client into arrays, each of which is written as one unit.
package struct FastChatArrays: Sendable {
    /// One array, complete.
    package struct Unit: Equatable, Sendable {
        package var bytes: [UInt8]
        /// How many objects are in it.
        package var count: Int
    }

    /// 32 KiB.
    package static let standardMaximumBytes = 32 << 10

    /// The most bytes of an array, unless it holds a single larger object.
    package let maximumBytes: Int

    private var objects: Deque<[UInt8]> = []

    /// The sum of the objects' bytes that wait.
    package private(set) var bufferedBytes = 0

    package init(maximumBytes: Int = standardMaximumBytes) {
        self.maximumBytes = maximumBytes
    }

    package var isEmpty: Bool { objects.isEmpty }

    /// How many objects wait.
    package var count: Int { objects.count }

    /// Queues an object, which must be JSON.
    package mutating func append(_ object: [UInt8]) {
        objects.append(object)
        bufferedBytes += object.count
    }

    /// Forgets what waits, for a client that catches up from the log.
    package mutating func removeAll() {
        objects.removeAll()
        bufferedBytes = 0
    }

    /// Takes the next array out of the queue: as many objects as fit, at least one; `nil` if nothing waits.
    ///
    /// Called as late as possible it makes the fewest arrays, and the client gets one each pause.
    package mutating func next() -> Unit? {
        var count = 0
        // Two brackets; a comma before all objects but the first.
        var size = 1
        for object in objects {
            guard count == 0 || size + object.count + 1 <= maximumBytes else { break }
            size += object.count + 1
            count += 1
        }
        guard count > 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes.append(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += objects[index]
            bufferedBytes -= objects[index].count
        }
        bytes.append(UInt8(ascii: "]"))
        objects.removeFirst(count)
        return Unit(bytes: bytes, count: count)
    }
}
