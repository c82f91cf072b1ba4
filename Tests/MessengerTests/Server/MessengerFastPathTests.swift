// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import NIOCore
import Storage
import TestClient
import Testing

@testable import Messenger
@testable import Transport

/// What the event loop does with a message at once, and what it leaves to others.
@Suite(.timeLimit(.minutes(10))) struct MessengerFastPathTests {
    @Test func aMessageWhoseFlowIsInMemoryIsSubmittedAtOnce() async throws {
        try await MessengerWorld.with { world in
            let anna = try await world.enter("anna")
            let bob = try await world.enter("bob")
            let carol = try await world.enter("carol")
            let flow = try await world.test.createFlow(
                members: [try world.principal(bob)], by: try world.principal(anna))
            let group = try await world.chat.flow(flow, for: try world.principal(anna)).id.rawValue
            try await anna.send("first", to: "#\(group)")
            try await anna.send("first", to: "bob")
            #expect(await bob.messages(2) == ["anna: [title] first", "anna: first"])

            #expect(try await world.isSubmittedAtOnce("second", to: .group(group), by: anna))
            #expect(try await world.isSubmittedAtOnce("second", to: .login("bob"), by: anna))

            #expect(await bob.messages(2) == ["anna: [title] second", "anna: second"])
            // Who is not in it, what is a chat of two, and what is not there.
            let chat = try await world.chat.directFlow(
                with: world.chat.person(login: "bob"), by: try world.principal(anna)
            ).id.rawValue
            #expect(try await !world.isSubmittedAtOnce("third", to: .group(group), by: carol))
            #expect(try await !world.isSubmittedAtOnce("third", to: .group(chat), by: anna))
            #expect(try await !world.isSubmittedAtOnce("third", to: .group(999), by: anna))
        }
    }
}

extension MessengerWorld {
    /// Gives a message to the connection of a device, as if it had just been read.
    fileprivate func isSubmittedAtOnce(
        _ text: String, to recipient: MessengerRecipient, by device: Device
    ) async throws -> Bool {
        let key = try #require(device.client.key)
        let session = try #require(service.keys.holder(of: key)).session
        let eventLoop = try #require(session.core.eventLoop)
        return try await eventLoop.submit {
            // No place of the connection's own waits for the outcome.
            let admission = session.admit(
                .request(.send(key, to: recipient, text: text)), as: RequestTicket(number: 1 << 40))
            if case .submitted = admission { return true }
            return false
        }.get()
    }
}
