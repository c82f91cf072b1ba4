// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct MessageReadTests {
    /// Two flows whose messages alternate, four in each of several instants, each text its index.
    private func fill(_ test: StorageUnderTest) async throws -> (flows: [FlowID], times: [Timestamp], alice: UserID) {
        let alice = try await test.createUser("alice")
        let flows = [try await test.createFlow(owner: alice), try await test.createFlow(owner: alice)]
        var times: [Timestamp] = []
        for instant in 0..<5 {
            test.clock.advance(milliseconds: 400)
            times.append(test.clock.now)
            for number in 0..<4 {
                try await test.send("\(instant * 4 + number)", from: alice, to: flows[number % 2])
            }
        }
        return (flows, times, alice)
    }

    private func numbers(_ page: MessagePage) -> [Int] { page.messages.compactMap { $0.text.flatMap { Int($0) } } }

    @Test(arguments: StorageKind.available)
    func timesAreExactlyAtOrBeforeOrAtOrAfter(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (flows, times, _) = try await fill(test)
            let storage = test.storage
            let between = Timestamp(milliseconds: times[2].milliseconds + 1)
            let extremes = [Timestamp(milliseconds: .min), Timestamp(milliseconds: .max)]
            let cases: [(TimeComparison, Timestamp, Range<Int>)] = [
                (.exactly, times[2], 8..<12), (.exactly, between, 0..<0), (.atOrBefore, times[2], 0..<12),
                (.atOrBefore, between, 0..<12), (.atOrAfter, times[2], 8..<20), (.atOrAfter, between, 12..<20),
                (.exactly, times[4], 16..<20), (.atOrBefore, times[4], 0..<20), (.atOrAfter, times[0], 0..<20),
                (.atOrBefore, extremes[0], 0..<0), (.atOrAfter, extremes[0], 0..<20), (.exactly, extremes[0], 0..<0),
                (.atOrBefore, extremes[1], 0..<20), (.atOrAfter, extremes[1], 0..<0), (.exactly, extremes[1], 0..<0),
            ]
            for (comparison, time, expected) in cases {
                let all = try await storage.messages(sent: comparison, time, limit: 100)
                #expect(numbers(all) == Array(expected), "\(comparison) \(time)")
                for (index, flow) in flows.enumerated() {
                    let inFlow = try await storage.messages(sent: comparison, time, in: flow, limit: 100)
                    #expect(numbers(inFlow) == expected.filter { $0 % 2 == index }, "\(comparison) \(time) in one flow")
                }
            }
            // In pages.
            var after = Position.start
            var pages: [[Int]] = []
            while true {
                let page = try await storage.messages(sent: .atOrAfter, times[1], in: flows[0], after: after, limit: 3)
                guard let last = page.messages.last else { break }
                pages.append(numbers(page))
                after = last.position
            }
            #expect(pages == [[4, 6, 8], [10, 12, 14], [16, 18]])
        }
    }

    @Test(arguments: StorageKind.available)
    func pagesGoThroughAllMessages(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let (flows, times, _) = try await fill(test)
            var after = Position.start
            var seen: [Int] = []
            while let last = try await test.storage.messages(after: after, limit: 7).messages.last {
                seen += numbers(try await test.storage.messages(after: after, limit: 7))
                after = last.position
            }

            #expect(seen == Array(0..<20))
            let storage = test.storage
            #expect(numbers(try await storage.messages(in: flows[1], numbers: 2..<4)) == [5, 7])
            #expect(numbers(try await storage.messages(in: flows[1], numbers: -5..<1)) == [1])
            #expect(numbers(try await storage.messages(in: flows[1], numbers: 10..<99)) == [])
            #expect(numbers(try await storage.messages(in: flows[1], numbers: .min ..< .max)).count == 10)
            #expect(numbers(try await storage.messages(limit: -1)) == [])
            #expect(try await storage.counts() == StorageCounts(users: 1, flows: 2, messages: 20))
            for (instant, time) in times.enumerated() {
                let number = try await storage.number(ofFirstMessageIn: flows[0], atOrAfter: time, count: 10)
                #expect(number == Int64(instant * 2))
            }
            let late = Timestamp(milliseconds: .max)
            #expect(try await storage.number(ofFirstMessageIn: flows[0], atOrAfter: late, count: 10) == 10)
        }
    }

    @Test(arguments: StorageKind.available)
    func cursorsOfTimesFitTheirPositions(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            _ = try await fill(test)
            let events = try await test.storage.events(after: .start, limit: 100)
            for time in Set(events.map(\.time)) {
                for shift in [-1, 0, 1] as [Int64] {
                    let asked = Timestamp(milliseconds: time.milliseconds + shift)
                    let cursor = try await test.storage.cursor(before: asked)
                    #expect(cursor == events.last { $0.time < asked }?.position ?? .start)
                }
            }
            #expect(try await test.storage.events(after: Position(3), limit: 2).map(\.position.rawValue) == [4, 5])
            #expect(try await test.storage.events(after: Position(.max), limit: 2) == [])
        }
    }

    @Test(arguments: StorageKind.available)
    func aPageOfLargeMessagesIsCut(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let content = [UInt8](repeating: 0x20, count: 12 << 20)
            for _ in 0..<4 {
                try await test.done(Write.SendMessage(flow: flow, content: content, blobs: []), by: alice)
            }

            let first = try await test.storage.messages(in: flow, numbers: 0..<4)
            let second = try await test.storage.messages(in: flow, numbers: 3..<4)
            let events = try await test.storage.events(after: .start, limit: 10)

            #expect(first.messages.map(\.number) == [0, 1, 2] && first.isCut)
            #expect(second.messages.map(\.number) == [3] && !second.isCut)
            #expect(events.count == 5)
            let page = try await test.storage.updates(for: alice, after: .start, limit: 10, wholeSeconds: false)
            #expect(page.messages.map(\.number) == [0, 1, 2] && page.isCut)
            let rest = try await test.storage.updates(for: alice, after: page.cursor, limit: 10, wholeSeconds: false)
            #expect(rest.messages.map(\.number) == [3] && !rest.isCut)
        }
    }
}
