// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Storage
import Testing

@testable import Chat

/// Which audiences are kept when there is room for some only.
struct AudienceIndexTests {
    private final class Reader: LiveConnection {
        let address = NewsSink.address()
        func sessionRevoked(_ session: SessionID) {}
    }

    private static func entry(_ user: Int64) -> Hub.Entry {
        Hub.Entry(
            user: UserID(user), session: SessionID(user), expires: Timestamp(seconds: 100), connection: Reader(),
            wantsNews: true)
    }

    @Test func flowsThatWereNotTalkedInForLongestAreForgottenFirst() {
        // Room for two flows of ten people each.
        var index = AudienceIndex(maximumBytes: 2 * (256 + 960))
        let people = Set((1...10).map { UserID($0) })
        let listener = Self.entry(1)
        index.add(listener)
        for flow in Int64(1)...2 { _ = index.make(for: FlowID(flow), members: people, of: [listener]) }
        #expect(index.known(FlowID(1))?.lists.count == 1)

        let third = index.make(for: FlowID(3), members: people, of: [listener])

        #expect(third.lists.count == 1)
        #expect(index.known(FlowID(1)) != nil)
        #expect(index.known(FlowID(2)) == nil)
        #expect(index.known(FlowID(3)) != nil)
        // Who comes and goes is followed in those that are kept.
        let second = Self.entry(2)
        index.add(second)
        #expect(index.known(FlowID(1))?.lists.count == 2)
        index.remove(listener)
        #expect(index.known(FlowID(3))?.lists.count == 1)
    }

    @Test func flowThatGrowsCountsAsLarger() {
        var index = AudienceIndex(maximumBytes: 2 * (256 + 960))
        let people = Set((1...10).map { UserID($0) })
        for flow in Int64(1)...2 { _ = index.make(for: FlowID(flow), members: people, of: []) }

        let joined = Self.entry(11)
        index.add(joined)
        index.join(UserID(11), to: FlowID(2), with: [joined])

        #expect(index.known(FlowID(1)) == nil)
        #expect(index.known(FlowID(2))?.lists.count == 1)
        index.leave(UserID(11), from: FlowID(2), with: [])
        _ = index.make(for: FlowID(1), members: people, of: [])
        #expect(index.known(FlowID(2)) != nil)
    }

    @Test func flowThatAloneIsTooLargeIsNotKept() {
        var index = AudienceIndex(maximumBytes: 1000)
        let listener = Self.entry(1)
        index.add(listener)

        let audience = index.make(for: FlowID(1), members: Set((1...100).map { UserID($0) }), of: [listener])

        #expect(audience.lists.count == 1)
        #expect(index.known(FlowID(1)) == nil)
        #expect(index.everybody.lists.count == 1)
    }
}
