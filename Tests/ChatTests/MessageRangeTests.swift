// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import Testing

/// Reading a flow by number and by time, page by page.
@Suite(.timeLimit(.minutes(10))) struct MessageRangeTests {
    private static func withMessages(
        _ count: Int, on kind: StorageKind, _ body: (ChatUnderTest, Identifier, Principal) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            var pending: [PendingMessage] = []
            for number in 0..<count {
                pending.append(try await test.chat.submit(MessageContent(text: "\(number)"), to: flow, by: alice))
            }
            for message in pending { _ = try await test.chat.receipt(of: message) }
            try await body(test, flow, alice)
        }
    }

    @Test(arguments: StorageKind.engines) func aRangeIsClampedToWhatThereIs(on kind: StorageKind) async throws {
        try await Self.withMessages(5, on: kind) { test, flow, alice in
            func list(_ range: Range<Int64>) async throws -> MessageList {
                try await test.chat.messages(in: flow, numbers: range, since: nil, limit: 10, for: alice)
            }
            for (range, expected) in [
                (0..<5, 0..<5), (0..<10, 0..<5), (1..<3, 1..<3), (4..<5, 4..<5), (3..<3, 3..<3), (4..<14, 4..<5),
                (5..<10, 5..<5), (9_000_000..<9_000_010, 5..<5),
                (Int64.max - 10..<Int64.max, 5..<5),
            ] as [(Range<Int64>, Range<Int64>)] {
                let list = try await list(range)

                #expect(list.messages.map(\.number) == Array(expected), "\(range)")
                #expect(list.messages.map(\.content.text) == expected.map { "\($0)" })
                #expect(list.range == expected, "\(range)")
                #expect(list.total == 5)
                #expect(!list.isCut)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aRangeLargerThanTheLimitIsRefused(on kind: StorageKind) async throws {
        try await Self.withMessages(5, on: kind) { test, flow, alice in
            await #expect(throws: ChatError.rangeTooLarge(limit: 3)) {
                try await test.chat.messages(in: flow, numbers: 0..<4, since: nil, limit: 3, for: alice)
            }
            await #expect(throws: ChatError.rangeTooLarge(limit: 3)) {
                try await test.chat.messages(in: flow, numbers: 0..<Int64.max, since: nil, limit: 3, for: alice)
            }

            let list = try await test.chat.messages(in: flow, numbers: 2..<5, since: nil, limit: 3, for: alice)
            #expect(list.messages.map(\.number) == [2, 3, 4])
            #expect(list.total == 5)
            #expect(list.isCut)
        }
    }

    @Test(arguments: StorageKind.engines) func anEmptyFlowHasAnEmptyList(on kind: StorageKind) async throws {
        try await Self.withMessages(0, on: kind) { test, flow, alice in
            let byNumber = try await test.chat.messages(in: flow, numbers: 0..<10, since: nil, limit: 10, for: alice)
            let byTime = try await test.chat.messages(in: flow, since: Timestamp(seconds: 0), limit: 10, for: alice)

            for list in [byNumber, byTime] {
                #expect(list.messages.isEmpty)
                #expect(list.total == 0)
                #expect(list.range == 0..<0)
                #expect(!list.isCut)
            }
        }
    }

    /// Sends `counts[n]` messages in the n-th second.
    private static func withSeconds(
        _ counts: [Int], on kind: StorageKind,
        _ body: (ChatUnderTest, Identifier, Principal, _ begin: Int64) async throws -> Void
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let begin = test.wallClock.now.seconds + 10
            for (second, count) in counts.enumerated() {
                for index in 0..<count {
                    // The first at the very beginning of the second, the last at its very end.
                    let millisecond = index == 0 ? 0 : index == count - 1 ? 999 : 500
                    test.wallClock.now = Timestamp(milliseconds: (begin + Int64(second)) * 1000 + Int64(millisecond))
                    try await test.send("\(second)/\(index)", to: flow, by: alice)
                }
            }
            try await body(test, flow, alice, begin)
        }
    }

    @Test(arguments: StorageKind.engines) func sinceATimeIsInclusive(on kind: StorageKind) async throws {
        try await Self.withSeconds([2, 3, 2], on: kind) { test, flow, alice, begin in
            for (time, first) in [(0, 0), (begin, 0), (begin + 1, 2), (begin + 2, 5), (begin + 3, 7)]
                as [(Int64, Int64)]
            {
                let since = Timestamp(seconds: time)
                let list = try await test.chat.messages(in: flow, since: since, limit: 100, for: alice)
                let range = try await test.chat.messages(in: flow, numbers: 0..<7, since: since, limit: 100, for: alice)

                #expect(list.messages.map(\.number) == Array(first..<7))
                #expect(list.range == first..<7)
                #expect(range.messages.map(\.number) == Array(first..<7))
                #expect(!list.isCut)
            }
        }
    }

    @Test(arguments: StorageKind.engines) func aPageEndsWithItsLastSecond(on kind: StorageKind) async throws {
        try await Self.withSeconds([3, 5, 2], on: kind) { test, flow, alice, begin in
            // The fifth message lies inside the second second, which has eight of the flow behind it.
            let first = try await test.chat.messages(in: flow, since: Timestamp(seconds: 0), limit: 5, for: alice)
            #expect(first.messages.map(\.number) == Array(0..<8))
            #expect(first.range == 0..<8)
            #expect(first.total == 10)
            #expect(first.isCut)

            let last = try #require(first.messages.last)
            let next = try await test.chat.messages(
                in: flow, since: Timestamp(seconds: last.time.seconds + 1), limit: 5, for: alice)
            #expect(next.messages.map(\.number) == [8, 9])
            #expect(!next.isCut)

            // Exactly full, and the second is over.
            let exact = try await test.chat.messages(in: flow, since: Timestamp(seconds: begin), limit: 3, for: alice)
            #expect(exact.messages.map(\.number) == [0, 1, 2])
            #expect(exact.isCut)
        }
    }

    @Test(arguments: StorageKind.engines) func pagesByTimeShowEveryMessageOnce(on kind: StorageKind) async throws {
        try await Self.withSeconds([1, 4, 0, 2, 7, 1, 1, 3], on: kind) { test, flow, alice, _ in
            var numbers: [Int64] = []
            var time: Int64 = 0
            while true {
                let list = try await test.chat.messages(in: flow, since: Timestamp(seconds: time), limit: 3, for: alice)
                numbers += list.messages.map(\.number)
                guard list.isCut, let last = list.messages.last else { break }
                time = last.time.seconds + 1
            }

            #expect(numbers == Array(0..<19))
        }
    }

    /// A page has a bound in bytes too; it says where it ends.
    @Test func aPageOfLargeFilesIsCut() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let count = 5
            let size = Storage.maximumPageBytes / 3
            for number in 0..<count {
                let file = JSONText(String(repeating: "\(number)", count: size))
                try await test.send(MessageContent(text: "\(number)", files: [.video: file]), to: flow, by: alice)
            }

            var texts: [String] = []
            var pages = 0
            while texts.count < count, pages < count {
                pages += 1
                let start = Int64(texts.count)
                let list = try await test.chat.messages(
                    in: flow, numbers: start..<Int64(count), since: nil, limit: 100, for: alice)
                #expect(!list.messages.isEmpty)
                #expect(list.isCut == (list.messages.count < count - Int(start)))
                texts += list.messages.map(\.content.text)
            }

            #expect(texts == (0..<count).map { "\($0)" })
            #expect(pages > 1)
        }
    }
}
