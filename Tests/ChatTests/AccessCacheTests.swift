// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Testing

@testable import Chat
@testable import Storage

/// What is remembered of sessions and flows, and what makes it forgotten.
struct AccessCacheTests {
    private static let token = TokenHash(of: "token")
    private static let principal = Principal(
        user: UserID(1), uuid: Identifier(11), session: SessionID(5), expires: Timestamp(seconds: 100))
    private static let flow = FlowAccess(
        id: FlowID(3), uuid: Identifier(33), kind: .group, owner: UserID(1), isPublic: false, title: "title",
        isBridged: false, members: [UserID(1)])

    private static func event(
        _ kind: LogEvent.Kind, flow: FlowID? = nil, subject: Int64? = nil, content: [UInt8] = []
    ) -> LogEvent {
        LogEvent(
            position: Position(9), time: Timestamp(seconds: 1), uuid: Identifier(9), kind: kind, flow: flow,
            subject: subject, content: content)
    }

    private static func filledCache() -> AccessCache {
        let cache = AccessCache()
        cache.remember(principal, for: token, readAt: cache.generation)
        cache.remember(flow, at: Position(7), readAt: cache.generation)
        return cache
    }

    @Test func whatIsRememberedIsFound() {
        let cache = Self.filledCache()

        #expect(cache.principal(Self.token) == Self.principal)
        #expect(cache.flow(FlowID(3)) == Self.flow)
        #expect(cache.flow(uuid: Identifier(33)) == Self.flow)
        #expect(cache.principal(TokenHash(of: "another")) == nil)
        #expect(cache.flow(uuid: Identifier(34)) == nil)
    }

    @Test func aChangeOfAFlowForgetsIt() {
        let cache = Self.filledCache()

        cache.invalidate(by: [Self.event(.flow, flow: FlowID(4))])
        #expect(cache.flow(FlowID(3)) == Self.flow)
        cache.invalidate(by: [Self.event(.flow, flow: FlowID(3), subject: 4)])

        #expect(cache.flow(FlowID(3)) == nil)
        #expect(cache.flow(uuid: Identifier(33)) == nil)
        #expect(cache.principal(Self.token) == Self.principal)
    }

    @Test(arguments: [LogEvent.Kind.join, .leave]) func membersAreFollowedWithoutReadingThemAgain(kind: LogEvent.Kind) {
        let cache = Self.filledCache()
        let generation = cache.generation
        let (before, after): (Set<UserID>, Set<UserID>) =
            kind == .join ? ([UserID(1)], [UserID(1), UserID(4)]) : ([UserID(1)], [])

        cache.invalidate(by: [Self.event(kind, flow: FlowID(4), subject: kind == .join ? 4 : 1)])
        #expect(cache.flow(FlowID(3))?.members == before)
        cache.invalidate(by: [Self.event(kind, flow: FlowID(3), subject: kind == .join ? 4 : 1)])

        #expect(cache.flow(FlowID(3))?.members == after)
        #expect(cache.flow(uuid: Identifier(33))?.members == after)
        #expect(cache.principal(Self.token) == Self.principal)
        // What was being read meanwhile may be without it.
        cache.remember(Self.flow, at: Position(7), readAt: generation)
        #expect(cache.flow(FlowID(3))?.members == after)
    }

    @Test(arguments: [LogEvent.Kind.join, .leave]) func whatTheReadHadSeenChangesNothing(kind: LogEvent.Kind) {
        let cache = AccessCache()
        cache.remember(Self.flow, at: Position(9), readAt: cache.generation)

        cache.invalidate(by: [Self.event(kind, flow: FlowID(3), subject: kind == .join ? 4 : 1)])

        #expect(cache.flow(FlowID(3)) == Self.flow)
    }

    @Test func theDeletionOfAFlowForgetsIt() {
        let cache = Self.filledCache()

        cache.invalidate(by: [Self.event(.flow, subject: 3)])

        #expect(cache.flow(FlowID(3)) == nil)
    }

    @Test(arguments: [LogEvent.Kind.user, .session]) func aChangeOfAnAccountForgetsItsTokens(kind: LogEvent.Kind) {
        let cache = Self.filledCache()

        cache.invalidate(by: [Self.event(kind, subject: 2)])
        #expect(cache.principal(Self.token) == Self.principal)
        cache.invalidate(by: [Self.event(kind, subject: 1)])

        #expect(cache.principal(Self.token) == nil)
        #expect(cache.flow(FlowID(3)) == Self.flow)
    }

    @Test(arguments: [LogEvent.Kind.message, .edit, .deletion, .admin]) func othersForgetNothing(kind: LogEvent.Kind) {
        let cache = Self.filledCache()
        let generation = cache.generation

        cache.invalidate(by: [
            Self.event(kind, flow: FlowID(3), subject: 1),
            Self.event(.session, subject: 1, content: LogEvent.sessionOpened),
        ])

        #expect(cache.principal(Self.token) == Self.principal)
        #expect(cache.flow(FlowID(3)) == Self.flow)
        #expect(cache.generation == generation)
    }

    @Test func whatWasReadBeforeAChangeIsNotRemembered() {
        let cache = AccessCache()
        let generation = cache.generation

        cache.invalidate(by: [Self.event(.session, subject: 1), Self.event(.leave, flow: FlowID(3), subject: 1)])
        cache.remember(Self.principal, for: Self.token, readAt: generation)
        cache.remember(Self.flow, at: Position(7), readAt: generation)

        #expect(cache.principal(Self.token) == nil)
        #expect(cache.flow(FlowID(3)) == nil)
    }

    @Test func aFullCacheForgetsWhatWasNotUsedForLongest() {
        var room = AccessCache.Room()
        room.sessions = 1000
        room.flows = 1500
        room.chats = 500
        let cache = AccessCache(room: room)
        for number in 0..<3 {
            var principal = Self.principal
            principal.session = SessionID(Int64(number))
            cache.remember(principal, for: TokenHash(of: "\(number)"), readAt: cache.generation)
            var flow = Self.flow
            flow.id = FlowID(Int64(number))
            flow.uuid = Identifier(UInt128(number))
            cache.remember(flow, at: Position(7), readAt: cache.generation)
        }
        // The first ones are used, so the second ones go.
        #expect(cache.principal(TokenHash(of: "0")) != nil)
        #expect(cache.flow(FlowID(0)) != nil)
        cache.remember(Self.principal, for: TokenHash(of: "3"), readAt: cache.generation)
        cache.remember(Self.flow, at: Position(7), readAt: cache.generation)

        #expect(cache.principal(TokenHash(of: "0"))?.session == SessionID(0))
        #expect(cache.principal(TokenHash(of: "1")) == nil)
        #expect(cache.principal(TokenHash(of: "2"))?.session == SessionID(2))
        #expect(cache.flow(uuid: Identifier(0))?.id == FlowID(0))
        #expect(cache.flow(uuid: Identifier(1)) == nil)
        #expect(cache.flow(uuid: Identifier(2))?.id == FlowID(2))
        cache.forget(TokenHash(of: "2"))
        #expect(cache.principal(TokenHash(of: "2")) == nil)
    }

    @Test func largeFlowsCountWithTheirMembers() {
        let cache = AccessCache()
        let members = Set((1...100_000).map { UserID($0) })
        for number in Int64(1)...200 {
            var flow = Self.flow
            flow.id = FlowID(number)
            flow.uuid = Identifier(UInt128(number))
            flow.members = members
            cache.remember(flow, at: Position(7), readAt: cache.generation)
        }

        #expect(cache.bytes <= AccessCache.Room().flows)
        #expect(cache.flow(FlowID(200)) != nil)
        #expect(cache.flow(FlowID(1)) == nil)
        #expect(cache.flow(uuid: Identifier(1)) == nil)
    }

    @Test func directoryCountsPicturesToo() {
        let directory = Directory(maximumBytes: 10 << 20)
        for number in Int64(1)...100 {
            let record = UserRecord(
                id: UserID(number), uuid: Identifier(UInt128(number)), login: "user\(number)",
                loginKey: "user\(number)",
                username: "User", passwordHash: "", isBot: false, isHidden: false, email: "",
                avatar: String(repeating: "x", count: 256 << 10), bio: "", created: Timestamp(seconds: 1),
                publicNumber: 1_000_000_000 + number)
            directory.remember(Person(record), loginKey: record.loginKey, readAt: directory.generation)
            _ = directory.person(UserID(1))
        }

        #expect(directory.bytes <= 10 << 20)
        // Who is looked at stays, and who is forgotten is forgotten by every name.
        #expect(directory.person(loginKey: "user1")?.id == UserID(1))
        #expect(directory.person(publicNumber: 1_000_000_100)?.id == UserID(100))
        #expect(directory.person(loginKey: "user2") == nil)
        #expect(directory.person(publicNumber: 1_000_000_002) == nil)
    }
}
