// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Chat
import Glibc

/// `server.measure`: how busy the server is, as sums since its start; the difference of two reports is what happened
/// between.
package struct MeasureServer: AdminOperation {
    /// What `server.measure` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// What the server does for people.
        package var mode: ServiceMode
        /// Time since the server started, in milliseconds.
        package var uptime: Int64
        /// Logged-in connections, by protocol.
        package var connections: [String: Int]
        /// How many of them are live subscribers.
        package var listeners: Int
        /// Messages committed.
        package var messages: UInt64
        /// Entries of the log committed.
        package var events: UInt64
        /// Transactions of the log.
        package var batches: UInt64
        /// Entries of the last transaction.
        package var lastBatch: Int
        /// Writes that are queued for the database.
        package var waitingWrites: Int
        /// How often a message was handed to a connection.
        package var deliveries: UInt64
        /// From commit to hand-over: the buckets of a `LatencyHistogram`.
        package var latency: [UInt64]
        /// Memory of the process that is not swapped out, in bytes.
        package var memory: Int64
        /// Time of the processors, in milliseconds.
        package var processor: Int64

        private enum CodingKeys: String, CodingKey {
            case mode
            case uptime = "uptimeMs"
            case connections, listeners, messages, events, batches
            case lastBatch
            case waitingWrites
            case deliveries, latency
            case memory = "memoryBytes"
            case processor = "processorMs"
        }
    }

    package static let name = "server.measure"
    package static let summary = "Say how busy the server is, as sums since its start."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false
    package static let isWatching = true

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let chat = context.chat
        let counts = chat.metrics.counts
        return Report(
            mode: chat.mode, uptime: chat.uptime.wholeMilliseconds, connections: chat.connectionsByProtocol,
            listeners: chat.subscriberCount, messages: counts.messages, events: counts.events,
            batches: counts.batches, lastBatch: counts.lastBatch, waitingWrites: chat.waitingWrites,
            deliveries: counts.deliveries, latency: counts.latency.buckets, memory: Self.residentBytes(),
            processor: Self.processorMilliseconds())
    }

    /// The second number of `/proc/self/statm`, in bytes; 0 where there is none.
    private static func residentBytes() -> Int64 {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return 0 }
        let numbers = bytes[..<count].split(separator: UInt8(ascii: " "))
        guard numbers.count > 1, let pages = Int64(String(decoding: numbers[1], as: UTF8.self)) else { return 0 }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func processorMilliseconds() -> Int64 {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func milliseconds(_ time: timeval) -> Int64 { Int64(time.tv_sec) * 1000 + Int64(time.tv_usec) / 1000 }
        return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
    }
}
