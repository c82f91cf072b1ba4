// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct ManyWritersTests {
    /// Follows the log by cursor, reading after each hint until nothing is new.
    private static func follow(_ storage: Storage, hints: AsyncStream<Void>) async throws -> [LogEvent] {
        var seen: [LogEvent] = []
        func read() async throws {
            while true {
                let events = try await storage.events(after: seen.last?.position ?? .start, limit: 7)
                if events.isEmpty { return }
                seen += events
            }
        }
        for await _ in hints { try await read() }
        try await read()
        return seen
    }

    @Test(arguments: StorageKind.shared)
    func threeWritersAndReadersWhoFollowMissNothing(kind: StorageKind) async throws {
        let rounds = 40
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flows = [try await test.createFlow(owner: alice), try await test.createFlow(owner: alice)]
            try await test.withAnother { second in
                try await test.withAnother { third in
                    let storages = [test.storage, second, third]
                    let hints = (0..<3).map { _ in
                        AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
                    }
                    let seen = try await withThrowingTaskGroup(of: [LogEvent].self) { group in
                        for (storage, hint) in zip(storages, hints) {
                            group.addTask { try await Self.follow(storage, hints: hint.stream) }
                        }
                        try await withThrowingTaskGroup(of: Void.self) { writers in
                            for (number, storage) in storages.enumerated() {
                                writers.addTask {
                                    for round in 0..<rounds {
                                        let writes = (0..<(round % 4 + 1)).map { index in
                                            test.write(
                                                test.message("\(number).\(round).\(index)", to: flows[round % 2]),
                                                by: alice)
                                        }
                                        let batch = try await storage.commit(writes)
                                        for outcome in batch.outcomes { _ = try outcome.receipt }
                                        for hint in hints { hint.continuation.yield() }
                                    }
                                }
                            }
                            try await writers.waitForAll()
                        }
                        for hint in hints { hint.continuation.finish() }
                        return try await group.reduce(into: [[LogEvent]]()) { $0.append($1) }
                    }

                    let all = try await test.storage.events(after: .start, limit: 10_000)
                    #expect(all.count == 3 + 3 * (rounds / 4) * (1 + 2 + 3 + 4))
                    #expect(all.map(\.position.rawValue) == Array(1...Int64(all.count)))
                    for events in seen { #expect(events == all) }
                    for flow in flows {
                        let numbers = all.filter { $0.flow == flow }.compactMap(\.number)
                        #expect(numbers == Array(0..<Int64(numbers.count)))
                    }
                    // Each writer's messages are in the order in which it sent them.
                    for writer in 0..<3 {
                        let texts = all.compactMap { StorageUnderTest.text($0.content) }
                        let its = texts.filter { $0.hasPrefix("\(writer).") }
                        let sent = (0..<rounds).flatMap { round in
                            (0..<(round % 4 + 1)).map { "\(writer).\(round).\($0)" }
                        }
                        #expect(its == sent)
                    }
                }
            }
        }
    }
}
