// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import TestClient
import Testing

@testable import MTP
@testable import Transport

/// What the event loop does with a message at once, and what it leaves to others.
@Suite(.timeLimit(.minutes(10))) struct MTPFastPathTests {
    @Test func aMessageWhoseNeedsAreInMemoryIsSubmittedAtOnce() async throws {
        try await MTPServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            let flow = try await alice.createFlow(users: [bob])
            let secret = try await bob.createFlow(users: [])
            try await bob.switchPushOn()
            try await alice.send("first", to: flow)

            #expect(try await server.isSubmittedAtOnce(alice.message("second", to: flow), of: alice))

            #expect(try await bob.pushedTexts(upTo: "second") == ["first", "second"])
            // A flow that nobody asked for yet, one that is not there, and somebody who is not logged in here.
            #expect(try await !server.isSubmittedAtOnce(alice.message("third", to: secret), of: alice))
            #expect(try await !server.isSubmittedAtOnce(alice.message("third", to: "1"), of: alice))
            let stranger = MTPPerson(
                login: "alice", client: alice.client,
                credentials: TestClient.MTPCredentials(uuid: alice.uuid, authID: "00"))
            #expect(try await !server.isSubmittedAtOnce(stranger.message("third", to: flow), of: alice))
        }
    }
}

extension MTPServer {
    /// Gives a request to the connection of a person, as if it had just been read.
    fileprivate func isSubmittedAtOnce(_ request: MTPRequest, of person: MTPPerson) async throws -> Bool {
        let user = try await test.chat.person(login: person.login).id
        let answers = await server.registry.answers(of: MTPSession.self) { session -> Bool? in
            guard session.attached?.principal.user == user else { return nil }
            // No place of the connection's own waits for the outcome.
            let admission = session.admit(.decoded(.success(request)), as: RequestTicket(number: 1 << 40))
            if case .submitted = admission { return true }
            return false
        }
        return try #require(answers.first as Bool?)
    }
}
