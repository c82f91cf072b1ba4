// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Chat
import ChatTesting
import TestClient
import Testing

@testable import Skaro
@testable import Transport

/// What the event loop does with a message at once, and what it leaves to others.
@Suite(.timeLimit(.minutes(10))) struct SkaroFastPathTests {
    @Test func aMessageWhoseNeedsAreInMemoryIsSubmittedAtOnce() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let bob = try await server.join("bob")
            _ = try await server.join("carol")
            _ = try await alice.ask(.sendMessage(to: "bob", body: "first"))
            #expect(try await bob.bodies(1) == ["first"])

            #expect(try await server.isSubmittedAtOnce("second", to: "bob", by: "alice"))

            #expect(try await bob.bodies(1) == ["second"])
            // A dialog that is not there yet, and a person who is not.
            #expect(try await !server.isSubmittedAtOnce("third", to: "carol", by: "alice"))
            #expect(try await !server.isSubmittedAtOnce("third", to: "nobody", by: "alice"))
        }
    }
}

extension SkaroServer {
    /// Gives a message to the connection of an account, as if it had just been read.
    fileprivate func isSubmittedAtOnce(_ text: String, to login: String, by sender: String) async throws -> Bool {
        let user = try await chat.person(login: sender).id
        let frame: CBORValue = ["type": "send_message", "to": .text(login), "body": .text(text)]
        let request = try SkaroRequest(decoding: frame.encoded())
        let answers = await registry.answers(of: SkaroSession.self) { session -> Bool? in
            guard session.logIn?.principal.user == user else { return nil }
            // No place of the connection's own waits for the outcome.
            if case .submitted = session.admit(.request(request), as: RequestTicket(number: 1 << 40)) { return true }
            return false
        }
        return try #require(answers.first as Bool?)
    }
}
