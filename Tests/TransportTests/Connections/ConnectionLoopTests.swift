// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

/// When an event loop looks at the timeouts of its connections.
struct ConnectionLoopTests {
    private final class Connection: LoopConnection {
        let id: ConnectionID
        var looks = 0
        var whenLookedAt: () -> Void = {}
        var currentSession: (any ConnectionSession)? { nil }

        init(_ id: ConnectionID) {
            self.id = id
        }

        func checkTimeouts(now: NIODeadline) {
            looks += 1
            whenLookedAt()
        }
        func drain() {}
        func abort() {}
        func flushNow() {}
    }

    private let eventLoop = EmbeddedEventLoop()
    private let loop: ConnectionLoop

    init() {
        loop = ConnectionLoop(eventLoop: eventLoop, number: 1)
    }

    private func add(_ count: Int) -> [Connection] {
        let connections = (0..<count).map { _ in Connection(loop.makeID()) }
        for connection in connections { loop.add(connection) }
        return connections
    }

    @Test func allAreLookedAtEverySecondButNotAllAtOnce() {
        let connections = add(1000)
        func looks() -> Int { connections.reduce(0) { $0 + $1.looks } }

        eventLoop.advanceTime(by: .milliseconds(999))
        #expect(looks() == 0)
        for expected in [256, 512, 768, 1000] {
            eventLoop.advanceTime(by: expected == 256 ? .milliseconds(1) : .milliseconds(10))
            #expect(looks() == expected)
        }
        #expect(connections.allSatisfy { $0.looks == 1 })

        eventLoop.advanceTime(by: .milliseconds(1100))
        #expect(connections.allSatisfy { $0.looks == 2 })
    }

    @Test func manyTakeNoLongerThanASecond() {
        let connections = add(20_000)

        eventLoop.advanceTime(by: .milliseconds(1500))

        #expect(connections.allSatisfy { $0.looks == 1 })
    }

    @Test func thoseThatGoAndComeMeanwhileAreNoTrouble() {
        let first = add(1000)
        for connection in first {
            connection.whenLookedAt = { [loop] in for gone in first { loop.remove(gone) } }
        }
        eventLoop.advanceTime(by: .seconds(1))
        let second = add(300)
        eventLoop.advanceTime(by: .milliseconds(1010))

        #expect(second.allSatisfy { $0.looks == 1 })
        // Those that had gone were not looked at.
        #expect(first.reduce(0) { $0 + $1.looks } == 1)

        for connection in second { loop.remove(connection) }
        eventLoop.advanceTime(by: .seconds(10))
        #expect(second.allSatisfy { $0.looks == 1 })
    }
}
