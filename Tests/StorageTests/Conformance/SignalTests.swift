// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

struct SignalTests {
    /// The first hint for which `isMatch` holds.
    private func first(
        _ hints: AsyncStream<LogHint>, where isMatch: (LogHint) -> Bool = { _ in true }
    ) async -> LogHint? {
        for await hint in hints where isMatch(hint) { return hint }
        return nil
    }

    @Test(arguments: StorageKind.available)
    func everyCommitIsHinted(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let one = try await test.createFlow(owner: alice)
            let two = try await test.createFlow(owner: alice)
            var hints = test.storage.signals.subscribe().makeAsyncIterator()
            #expect(await hints.next() == .reconnected)
            let before = try await test.storage.head()

            _ = try await test.storage.commit([
                test.write(test.message("a", to: two), by: alice), test.write(test.message("b", to: one), by: alice),
                test.write(test.message("c", to: two), by: alice),
                test.write(test.message("refused", to: FlowID(99)), by: alice),
            ])
            // A batch of which nothing was done leaves no hint.
            _ = try await test.perform(test.message("refused", to: FlowID(99)), by: alice)
            try await test.done(Write.UpdateUser(alice, UserChanges(bio: "new")), by: alice)

            let middle = Position(before.rawValue + 3)
            let messages = LogNews(from: before, to: middle, hasAccountEvents: false, flows: [one, two])
            #expect(await hints.next() == .news(messages))
            let account = LogNews(
                from: middle, to: Position(before.rawValue + 4), hasAccountEvents: true, flows: [])
            #expect(await hints.next() == .news(account))
        }
    }

    @Test(.enabled(if: StorageKind.available.contains(.postgres)))
    func otherProcessesAreTold() async throws {
        try await StorageUnderTest.with(.postgres) { test in
            try await test.withAnother { other in
                let alice = try await test.createUser("alice")
                let flow = try await test.createFlow(owner: alice)
                let streams = [test.storage.signals.subscribe(), other.signals.subscribe()]
                var iterators = streams.map { $0.makeAsyncIterator() }
                for index in iterators.indices { #expect(await iterators[index].next() == .reconnected) }
                for round in 0..<20 {
                    let writer = round % 2 == 0 ? test.storage : other
                    let before = try await writer.head()
                    _ = try await writer.commit([test.write(test.message("\(round)", to: flow), by: alice)])

                    let news = LogNews(
                        from: before, to: Position(before.rawValue + 1), hasAccountEvents: false, flows: [flow])
                    for index in iterators.indices { #expect(await iterators[index].next() == .news(news)) }
                }
            }
        }
    }

    @Test(.enabled(if: StorageKind.available.contains(.postgres)))
    func anotherSchemaIsNotHeard() async throws {
        try await StorageUnderTest.with(.postgres) { test in
            try await StorageUnderTest.with(.postgres) { other in
                var hints = test.storage.signals.subscribe().makeAsyncIterator()
                #expect(await hints.next() == .reconnected)
                _ = try await other.createUser("theirs")
                try await other.done(
                    Write.CreateUser(other.newUser("root"), admin: NewAdmin(username: "root", passwordHash: "h")))
                _ = try await test.createUser("ours")

                let ours = LogNews(from: .start, to: Position(1), hasAccountEvents: true, flows: [])
                #expect(await hints.next() == .news(ours))
            }
        }
    }

    @Test(arguments: StorageKind.available)
    func manySubscribersAreToldAndClosingEndsThem(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let streams = (0..<5).map { _ in test.storage.signals.subscribe() }
            for stream in streams { #expect(await first(stream) == .reconnected) }
            let kept = test.storage.signals.subscribe()
            #expect(await first(kept) == .reconnected)

            _ = try await test.createUser("alice")
            let news = await first(kept)
            await test.storage.close()

            #expect(news == .news(LogNews(from: .start, to: Position(1), hasAccountEvents: true, flows: [])))
            #expect(await first(kept) == nil)
            #expect(await first(test.storage.signals.subscribe()) == nil)
        }
    }

    @Test(arguments: StorageKind.available)
    func whoDoesNotReadSeesThatHintsAreMissing(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let hints = test.storage.signals.subscribe()
            let witness = test.storage.signals.subscribe()
            #expect(await first(witness) == .reconnected)
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            for _ in 0..<LogHint.maximumWaiting + 10 { try await test.send("x", from: alice, to: flow) }
            let head = try await test.storage.head()
            func isLast(_ hint: LogHint) -> Bool {
                if case .news(let news) = hint { news.to == head } else { false }
            }
            #expect(await first(witness, where: isLast) != nil)

            var told: [LogNews] = []
            for await hint in hints {
                if case .news(let news) = hint { told.append(news) }
                if isLast(hint) { break }
            }

            #expect(told.count <= LogHint.maximumWaiting && told.last?.to == head)
            #expect(try #require(told.first).from > .start)
            #expect(zip(told, told.dropFirst()).allSatisfy { $0.to == $1.from })
        }
    }

    @Test func aTextSaysTheSameNews() {
        let many = Set((1...5000).map { FlowID(Int64($0)) })
        let wide = Set((0..<300).map { FlowID(Int64.max - Int64($0)) })
        let fits = Set((0..<200).map { FlowID(Int64.max - Int64($0)) })
        for flows in [[], [FlowID(1)], [FlowID(3), FlowID(-2), FlowID(.max)], fits] as [Set<FlowID>?] + [nil] {
            for hasAccountEvents in [true, false] {
                let news = LogNews(
                    from: Position(17), to: Position(.max), hasAccountEvents: hasAccountEvents, flows: flows)
                #expect(news.text.utf8.count <= LogNews.maximumTextBytes)
                #expect(LogNews(text: news.text) == news)
            }
        }
        for flows in [many, wide] {
            let news = LogNews(from: Position(1), to: Position(2), hasAccountEvents: false, flows: flows)
            #expect(news.text == "1 2 0 *")
        }
    }

    @Test(arguments: [
        "", " ", "1 2 0", "1 2 0 3 4", "2 2 0 ", "3 2 0 ", "-1 2 0 ", "a 2 0 ", "1 2 2 ", "1 2 0 x", "1 2 0 3,x",
        "1 99999999999999999999 0 ", "1 2 0 99999999999999999999", "\u{0}", String(repeating: "1", count: 5000),
    ])
    func textsOfAnotherFormAreNoNews(text: String) {
        #expect(LogNews(text: text) == nil)
    }
}
