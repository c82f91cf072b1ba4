// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Operations
import Storage
import Testing

struct MeasureServerTests {
    private final class Listener: LiveConnection {
        let protocolName: String
        let address: DeliveryAddress
        let news: AsyncStream<Void>

        init(_ name: String) {
            protocolName = name
            let (news, continuation) = AsyncStream.makeStream(of: Void.self)
            self.news = news
            address = NewsSink.address { continuation.yield() }
        }

        func sessionRevoked(_ session: SessionID) {}
    }

    private final class Sink: EventSink {
        let showsAccounts = false
        let (runs, continuation) = AsyncStream.makeStream(of: Int.self)

        func deliver(_ run: LiveRun, to connections: [UInt64]) { continuation.yield(run.messages.count) }
        func deliver(_ change: LiveChange, to connections: [UInt64]) {}
        func hint(_ connections: [UInt64]) {}
    }

    private final class Addressed: LiveConnection {
        let protocolName = "two"
        let address: DeliveryAddress

        init(_ sink: Sink, _ number: UInt64) { address = DeliveryAddress(sink: sink, connection: number) }

        func sessionRevoked(_ session: SessionID) {}
    }

    @Test func connectionsAreCountedByProtocol() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let principal = try await office.logIn("alice").principal
            let (one, other, third) = (Listener("one"), Listener("one"), Listener("three"))
            for (connection, wantsNews) in [(one, true), (other, false), (third, true), (one, true)] {
                office.chat.hub.attach(connection, principal: principal, wantsNews: wantsNews)
            }

            let before = try await office.run(MeasureServer())
            office.chat.hub.detach(one)
            office.chat.hub.detach(one)
            office.chat.hub.detach(third)
            let after = try await office.run(MeasureServer())

            #expect(before.connections == ["one": 2, "three": 1])
            #expect(before.listeners == 2)
            #expect(after.connections == ["one": 1])
            #expect(after.listeners == 0)
        }
    }

    @Test func messagesAndDeliveriesAreCounted() async throws {
        try await Office.open { office in
            try await office.user("alice")
            try await office.user("bob")
            let alice = try await office.logIn("alice").principal
            let group = try await office.run(
                CreateFlow(owner: "alice", type: .group, title: "Garden", members: ["bob"]))
            let sink = Sink()
            let connections = [Addressed(sink, 1), Addressed(sink, 2)]
            for connection in connections { office.chat.hub.attach(connection, principal: alice, wantsNews: true) }
            let before = try await office.run(MeasureServer())

            for text in ["one", "two", "three"] {
                try await office.say(text, in: try #require(Identifier(decimal: group.uuid)), as: alice)
            }
            var arrived = 0
            for await count in sink.runs {
                arrived += count
                if arrived == 3 { break }
            }
            // The sum is taken after the hand-over: the next batch is delivered after it.
            try await office.user("carol")
            var after = try await office.run(MeasureServer())
            while after.deliveries < before.deliveries + 6 { after = try await office.run(MeasureServer()) }

            #expect(after.messages == before.messages + 3)
            #expect(after.deliveries == before.deliveries + 6)
            #expect(LatencyHistogram(buckets: after.latency).count == 3)
            #expect(after.events > before.events + 3)
            #expect(after.lastBatch >= 1)
            #expect(after.memory > 1 << 20)
            #expect(after.processor > 0)
            withExtendedLifetime(connections) {}
        }
    }
}

struct LatencyHistogramTests {
    @Test func everyTimeFallsIntoABucketThatHoldsIt() {
        for microseconds in [0, 1, 7, 8, 9, 10, 63, 64, 1000, 1023, 1024, 999_999, 60_000_000] {
            var histogram = LatencyHistogram()
            histogram.record(.microseconds(microseconds))

            let found = histogram.quantile(0.5)

            #expect(histogram.count == 1)
            guard let found else { return }
            #expect(found > .microseconds(microseconds))
            #expect(found <= .microseconds(Double(microseconds) * 1.25 + 1.01))
        }
    }

    @Test func quantilesCountFromTheShortest() {
        var histogram = LatencyHistogram()
        histogram.record(.milliseconds(1), weight: 98)
        histogram.record(.seconds(1), weight: 2)

        #expect(histogram.quantile(0.5) ?? .zero < .milliseconds(2))
        #expect(histogram.quantile(0.98) ?? .zero < .milliseconds(2))
        #expect(histogram.quantile(0.99) ?? .zero > .milliseconds(900))
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }

    @Test func strangeTimesAndCountsAreTaken() {
        var histogram = LatencyHistogram(buckets: Array(repeating: 1, count: 1000))
        histogram.record(.seconds(-1))
        histogram.record(.seconds(Int64.max))
        histogram.record(.zero, weight: -5)

        #expect(histogram.buckets.count == LatencyHistogram.bucketCount)
        #expect(histogram.count == UInt64(LatencyHistogram.bucketCount) + 2)
        #expect(histogram.since(histogram).count == 0)
        #expect(LatencyHistogram(buckets: [3]).since(LatencyHistogram(buckets: [5])).count == 3)
    }
}
