// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct LogTests {
    @Test(arguments: StorageKind.available)
    func positionsAndCountersHaveNoGaps(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let bob = try await test.createUser("bob")
            var flows: [FlowID] = []
            for _ in 0..<3 { flows.append(try await test.createFlow(owner: alice, members: [])) }
            // Every third write is refused, and some batches have several flows, edits and joins between the messages.
            var sent: [(FlowID, Position)] = []
            for round in 0..<20 {
                var writes: [Write] = []
                for number in 0..<(round % 7 + 1) {
                    let flow = flows[(round + number) % 3]
                    writes.append(test.write(test.message("m", to: flow), by: alice))
                    if number % 3 == 0 { writes.append(test.write(test.message("refused", to: flow), by: bob)) }
                    if let (flow, position) = sent.last, number % 2 == 0 {
                        writes.append(
                            test.write(Write.EditMessage(flow: flow, message: position, content: []), by: alice))
                    }
                    if number == 4 { writes.append(test.write(Write.UpdateUser(alice, UserChanges(bio: "\(round)")))) }
                }
                let batch = try await test.storage.commit(writes)
                #expect(batch.outcomes.count == writes.count)
                let written = try await test.storage.events(after: sent.last?.1 ?? .start, limit: 1000)
                #expect(written.suffix(batch.events.count) == batch.events[...])
                for (write, outcome) in zip(writes, batch.outcomes) {
                    if case .message(let message) = write.action, let receipt = try? outcome.receipt {
                        sent.append((message.flow, receipt.position))
                    }
                }
            }

            let events = try await test.storage.events(after: .start, limit: 1000)
            #expect(events.map(\.position.rawValue) == Array(1...Int64(events.count)))
            #expect(try await test.storage.head().rawValue == Int64(events.count))
            for flow in flows {
                let its = events.filter { $0.flow == flow }
                let record = try #require(try await test.storage.flow(flow))
                #expect(its.compactMap(\.seq) == Array(0..<Int64(its.count)))
                #expect(its.compactMap(\.number) == Array(0..<record.messageCount))
                #expect(record.eventCount == Int64(its.count) && record.head == its.last?.position)
            }
            #expect(events.allSatisfy { ($0.flow == nil) == ($0.seq == nil) })
            #expect(Set(events.map(\.uuid)).count == events.count)
        }
    }

    @Test(arguments: StorageKind.available)
    func oneBadWriteAmong64RefusesOnlyItself(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let earlier = test.write(test.message("earlier", to: flow), by: alice)
            _ = try await test.storage.commit([earlier])
            for bad in [0, 17, 63] {
                var writes = (0..<64).map { number in
                    number % 10 == 5
                        ? test.write(Write.UpdateFlow(flow, title: "title \(number)", info: nil), by: alice)
                        : test.write(test.message("\(number)", to: flow), by: alice)
                }
                writes[bad] = Write(
                    test.message("double", to: flow), by: WriteOrigin(uuid: earlier.origin.uuid, author: alice))
                let before = try #require(try await test.storage.flow(flow)).messageCount

                let batch = try await test.storage.commit(writes)

                #expect(batch.outcomes.count == 64)
                for (number, outcome) in batch.outcomes.enumerated() {
                    if number == bad {
                        guard case .conflict = outcome.failure?.code else {
                            Issue.record("the bad write is \(outcome)")
                            continue
                        }
                    } else {
                        let receipt = try outcome.receipt
                        #expect(
                            batch.events.contains {
                                $0.position == receipt.position && $0.uuid == writes[number].origin.uuid
                            })
                    }
                }
                #expect(batch.events.count == 63)
                let after = try #require(try await test.storage.flow(flow)).messageCount
                let page = try await test.storage.messages(in: flow, numbers: before..<after)
                let texts = (0..<64).filter { $0 % 10 != 5 && $0 != bad }.map { "\($0)" }
                #expect(page.messages.map(\.text) == texts)
            }
            #expect(try await test.storage.message(uuid: earlier.origin.uuid)?.text == "earlier")
            let events = try await test.storage.events(after: .start, limit: 1000)
            #expect(events.map(\.position.rawValue) == Array(1...Int64(events.count)))
        }
    }

    @Test(arguments: StorageKind.available)
    func theLogsTimeWaitsForAClockThatWasALittleAhead(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let latest = test.clock.now
            var times: [Timestamp] = []
            for step in [-5000, -55_000, 3, 59_996, 1, 1] as [Int64] {
                test.clock.advance(milliseconds: step)
                times.append(try await test.send("x", from: alice, to: flow).time)
            }

            let steps = times.map { $0.milliseconds - latest.milliseconds }
            #expect(steps == [0, 0, 0, 0, 0, 1])
            let page = try await test.storage.messages(limit: 10)
            #expect(page.messages.map(\.time) == times)
        }
    }

    @Test(arguments: StorageKind.available)
    func anEmptyBatchDoesNothing(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let batch = try await test.storage.commit([])

            #expect(batch.outcomes.isEmpty && batch.events.isEmpty)
            #expect(try await test.storage.head() == .start)
        }
    }

    @Test(arguments: StorageKind.available)
    func aBatchMayBeLarge(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let writes = (0..<5000).map { test.write(test.message("\($0)", to: flow), by: alice) }

            let batch = try await test.storage.commit(writes)

            #expect(batch.outcomes.compactMap { (try? $0.receipt)?.number } == Array(0..<5000))
            let page = try await test.storage.messages(in: flow, numbers: 4990..<6000)
            #expect(page.messages.map(\.text) == (4990..<5000).map { "\($0)" })
        }
    }
}
