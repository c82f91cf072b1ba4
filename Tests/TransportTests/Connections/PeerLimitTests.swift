// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// The rules by which peers that hold what they do not use are cut.
struct PeerLimitTests {
    private static func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    // MARK: Reading

    @Test func aPeerForWhichNothingWaitsIsNeverSlow() {
        var watch = ReaderWatch(minimumBytes: 100)
        for second in 0..<1000 {
            let look = watch.look(taken: 0, isWaiting: false, now: Self.time(Int64(second)))
            #expect(look.isSlowFor == .zero && look.isStillFor == .zero)
        }
    }

    @Test func timeRunsWhileAPeerTakesNothing() {
        var watch = ReaderWatch(minimumBytes: 100)
        _ = watch.look(taken: 50, isWaiting: true, now: Self.time(10))

        #expect(watch.look(taken: 50, isWaiting: true, now: Self.time(15)).isSlowFor == .seconds(5))
        #expect(watch.look(taken: 50, isWaiting: true, now: Self.time(40)).isStillFor == .seconds(30))
        // All is taken, and something new waits: the time begins anew.
        _ = watch.look(taken: 60, isWaiting: false, now: Self.time(41))
        #expect(watch.look(taken: 60, isWaiting: true, now: Self.time(42)).isSlowFor == .zero)
    }

    @Test func whoDripsIsAsSlowAsWhoTakesNothing() {
        var watch = ReaderWatch(minimumBytes: 100)
        var last = (isSlowFor: TimeAmount.zero, isStillFor: TimeAmount.zero)
        for second in 0...60 {
            last = watch.look(taken: UInt64(second), isWaiting: true, now: Self.time(Int64(second)))
        }

        #expect(last.isSlowFor == .seconds(60))
        #expect(last.isStillFor == .zero)
    }

    @Test func whoTakesEnoughIsNotSlow() {
        var watch = ReaderWatch(minimumBytes: 100)
        for second in 0...600 {
            let look = watch.look(taken: UInt64(second * 10), isWaiting: true, now: Self.time(Int64(second)))
            #expect(look.isSlowFor <= .seconds(10))
        }
    }

    @Test func patienceEndsWithTheWriteTimeout() {
        var limits = PeerLimits()
        limits.writeTimeout = .seconds(60)
        var timeout = PeerTimeouts(Self.registry(limits), minimumBytes: 100, now: Self.time(0))
        func isCut(at seconds: Int64, waiting: Int = 1000) -> Bool {
            timeout.isExhausted(taken: 0, waiting: waiting, isWaiting: waiting > 0, now: Self.time(seconds))
        }

        #expect(!isCut(at: 1))
        #expect(!isCut(at: 60))
        #expect(isCut(at: 61))
        #expect(!isCut(at: 62, waiting: 0))
    }

    @Test func whoDoesNotReadIsCutAtOnceWhenMemoryIsShort() {
        var limits = PeerLimits()
        limits.outboundBytes = 1500
        let registry = Self.registry(limits)
        var one = PeerTimeouts(registry, minimumBytes: 100, now: Self.time(0))
        var two = PeerTimeouts(registry, minimumBytes: 100, now: Self.time(0))
        func isCut(_ timeout: inout PeerTimeouts, at seconds: Int64, taken: UInt64 = 0) -> Bool {
            timeout.isExhausted(taken: taken, waiting: 1000, isWaiting: true, now: Self.time(seconds))
        }

        #expect(!isCut(&one, at: 0))
        #expect(!isCut(&one, at: 9))
        #expect(!isCut(&two, at: 9, taken: 1))
        // Together it is too much now: the one who takes nothing goes, the one who reads stays.
        #expect(!isCut(&two, at: 10, taken: 500))
        #expect(isCut(&one, at: 10))
        one.finish()
        #expect(!isCut(&two, at: 30, taken: 500))
    }

    @Test func theTimeForALogInEndsUnlessThereIsOne() {
        var limits = PeerLimits()
        limits.logInTimeout = .seconds(60)
        var timeout = PeerTimeouts(Self.registry(limits), minimumBytes: 1, now: Self.time(0))

        #expect(!timeout.isLogInOverdue(now: Self.time(59)))
        #expect(timeout.isLogInOverdue(now: Self.time(60)))
        timeout.loggedIn()
        #expect(!timeout.isLogInOverdue(now: Self.time(1000)))
        timeout.loggedOut(now: Self.time(1000))
        #expect(!timeout.isLogInOverdue(now: Self.time(1059)))
        #expect(timeout.isLogInOverdue(now: Self.time(1060)))
    }

    private static func registry(_ limits: PeerLimits) -> ConnectionRegistry {
        ConnectionRegistry(group: MultiThreadedEventLoopGroup.singleton, peers: limits)
    }

    // MARK: Numbers of connections

    private static func source(_ address: String) throws -> ConnectionCounts.Source? {
        ConnectionCounts.Source(try SocketAddress(ipAddress: address, port: 1))
    }

    @Test func anAddressHasSoManyConnections() throws {
        var limits = PeerLimits()
        limits.connectionsPerAddress = 2
        let counts = ConnectionCounts(limits: limits)
        let one = try #require(try Self.source("192.0.2.1"))
        let other = try #require(try Self.source("192.0.2.2"))

        #expect(counts.admit(one))
        #expect(counts.admit(one))
        #expect(!counts.admit(one))
        #expect(counts.admit(other))
        counts.leave(one)
        #expect(counts.admit(one))
        #expect(!counts.admit(one))
    }

    @Test func allTogetherHaveSoManyConnections() {
        var limits = PeerLimits()
        limits.connections = 3
        let counts = ConnectionCounts(limits: limits)

        for _ in 1...3 { #expect(counts.admit()) }
        #expect(!counts.admit())
        counts.leave()
        #expect(counts.admit())
        #expect(!counts.admit())
    }

    @Test func ofIPv6TheNetworkCounts() throws {
        let one = try Self.source("2001:db8:1:2::1")

        #expect(try one == Self.source("2001:db8:1:2:ffff::7"))
        #expect(try one != Self.source("2001:db8:1:3::1"))
        #expect(try Self.source("::ffff:192.0.2.1") == Self.source("192.0.2.1"))
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
    func thisMachineIsNotCounted(address: String) throws {
        #expect(try Self.source(address) == nil)
    }

    // MARK: The budget

    @Test func aShareIsGivenBackOnceWhateverHappens() {
        let budget = InboundBudget(maximumBytes: 10_000)
        var share = InboundShare(of: budget)

        let isTaken = share.take(4000) && share.take(4000)
        let isRefused = !share.take(4000)
        #expect(isTaken && isRefused)
        share.giveBack(4000)
        #expect(budget.usedBytes >= 4000 && budget.usedBytes < 8000)
        share.giveBackAll()
        share.giveBack(4000)
        #expect(budget.usedBytes == 0)
        #expect(share.bytes == 0)
    }

    @Test func aShareThatIsDroppedIsGivenBack() {
        let budget = InboundBudget(maximumBytes: 10_000)
        func use() {
            var share = InboundShare(of: budget)
            _ = share.take(4000)
        }

        use()

        #expect(budget.usedBytes == 0)
    }
}
