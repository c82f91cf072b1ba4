// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Storage
import Testing

/// What a hidden account does is not counted, not listed, and can be removed.
@Suite struct HiddenAccountTests {
    @Test(arguments: StorageKind.available)
    func flowsOfHiddenAccountsAreNotCountedOrListed(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let hidden = try await test.createUser("testclient", isHidden: true)
            let shown = try await test.createFlow(owner: alice, members: [])
            let own = try await test.createFlow(owner: hidden, members: [])
            try await test.send("hi", from: alice, to: shown)
            try await test.send("check", from: hidden, to: own)

            let counts = try await test.storage.counts()

            #expect(counts.users == 1 && counts.flows == 1 && counts.messages == 1)
            #expect(try await test.storage.shownFlows(limit: 10).map(\.id) == [shown])
        }
    }

    @Test(arguments: StorageKind.available)
    func tracesOfAHiddenAccountAreRemovedAndNothingElse(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            let hidden = try await test.createUser("testclient", isHidden: true)
            let own = try await test.createFlow(owner: hidden, members: [])
            let shared = try await test.createFlow(owner: alice, members: [hidden])
            try await test.send("kept", from: hidden, to: shared)
            for text in ["one", "two", "three"] { try await test.send(text, from: hidden, to: own) }

            let first = try await test.storage.removeTraces(ofHidden: hidden, limit: 2)
            let second = try await test.storage.removeTraces(ofHidden: hidden)

            #expect(first == 2 && second == 1)
            #expect(try await test.storage.messages(limit: 10).messages.map(\.text) == ["kept"])
            #expect(try await test.storage.removeTraces(ofHidden: alice) == 0)
            #expect(try await test.send("four", from: hidden, to: own).number == 3)
        }
    }

    @Test(arguments: StorageKind.available)
    func listedFlowsAreFoundByTitleAndTime(kind: StorageKind) async throws {
        try await StorageUnderTest.with(kind) { test in
            let alice = try await test.createUser("alice")
            var flows: [FlowID] = []
            for title in ["Team red", "a TEAM", "100%_"] {
                test.clock.advance(milliseconds: 1000)
                let made = try await test.createFlow(owner: alice, members: [])
                try await test.done(Write.UpdateFlow(made, title: title, info: nil))
                flows.append(made)
            }
            func found(_ title: String?, since: Timestamp? = nil, after: FlowID = FlowID(0)) async throws -> [FlowID] {
                try await test.storage.shownFlows(title: title, since: since, after: after, limit: 10).map(\.id)
            }

            #expect(try await found(nil) == flows)
            #expect(try await found("team") == Array(flows[..<2]))
            #expect(try await found("TEAM", after: flows[0]) == [flows[1]])
            #expect(try await found("%_") == [flows[2]])
            #expect(try await found("").count == 3)
            let second = try #require(try await test.storage.flow(flows[1])).created
            #expect(try await found(nil, since: second) == Array(flows[1...]))
            #expect(try await found("team", since: second) == [flows[1]])
        }
    }
}
