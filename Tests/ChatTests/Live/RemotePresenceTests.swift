// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Chat
@testable import Storage

/// Who is online on another server of the same store.
@Suite(.timeLimit(.minutes(10)), .enabled(if: StorageKind.available.contains(.postgres)))
struct RemotePresenceTests {
    private static func policy(_ node: NodeIdentity) -> ChatPolicy {
        var policy = ChatPolicy()
        policy.sharesStore = true
        policy.presence.merge = .milliseconds(1)
        policy.node = node
        return policy
    }

    /// Runs `body` with two servers, and somebody on the first one who watches bob and carol.
    private static func withTwo(
        _ body: (
            _ here: ChatUnderTest, _ there: Chat, _ friends: [Principal], _ watcher: RecordingConnection, NodeIdentity
        )
            async throws -> Void
    ) async throws {
        let (first, second) = (NodeIdentity(), NodeIdentity())
        try await ChatUnderTest.with(.postgres, policy: policy(first)) { test in
            first.id = try await test.storage.registerNode(NewNode(name: "one", address: ""))
            second.id = try await test.storage.registerNode(NewNode(name: "two", address: ""))
            try await test.withOtherServer(policy: policy(second)) { other in
                try await test.running(other) { other in
                    let people = try await test.registerAll("alice", "bob", "carol")
                    let watcher = RecordingConnection(watchesContacts: true)
                    for login in ["bob", "carol"] {
                        _ = try await test.chat.addContact(login: login, of: people[0])
                    }
                    test.chat.hub.attach(watcher, principal: people[0], wantsNews: false)
                    try await test.chat.watchContacts(watcher, of: people[0])
                    try await body(test, other, Array(people.dropFirst()), watcher, second)
                }
            }
        }
    }

    @Test func contactsLearnWhoComesAndGoesElsewhere() async throws {
        try await Self.withTwo { here, there, friends, watcher, _ in
            let connection = RecordingConnection()
            there.hub.attach(connection, principal: friends[0], wantsNews: false)
            #expect(await watcher.nextChanges() == ["bob online"])
            #expect(here.chat.isOnline(friends[0].user))

            there.hub.detach(connection)
            #expect(await watcher.nextChanges() == ["bob offline"])
            #expect(!here.chat.isOnline(friends[0].user))
        }
    }

    @Test func whoIsAlsoHereStaysOnline() async throws {
        try await Self.withTwo { here, there, friends, watcher, _ in
            let (near, far) = (RecordingConnection(), RecordingConnection())
            there.hub.attach(far, principal: friends[0], wantsNews: false)
            #expect(await watcher.nextChanges() == ["bob online"])
            here.chat.hub.attach(near, principal: friends[0], wantsNews: false)
            there.hub.detach(far)
            let carol = RecordingConnection()
            there.hub.attach(carol, principal: friends[1], wantsNews: false)

            // Bob's going from there would have come before.
            #expect(await watcher.nextChanges() == ["carol online"])
            #expect(here.chat.isOnline(friends[0].user))
        }
    }

    @Test func whoeverWasOnAServerThatIsGoneIsOffline() async throws {
        try await Self.withTwo { here, there, friends, watcher, node in
            let connection = RecordingConnection()
            there.hub.attach(connection, principal: friends[0], wantsNews: false)
            #expect(await watcher.nextChanges() == ["bob online"])

            #expect(try await here.storage.removeNode(node.id))
            #expect(await watcher.nextChanges() == ["bob offline"])

            // It enters itself anew, and says who is there.
            node.id = try await here.storage.registerNode(NewNode(name: "two", address: ""))
            #expect(await watcher.nextChanges() == ["bob online"])
        }
    }
}
