// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import ChatTesting
import Skaro
import TestClient
import Testing

/// The client of the tests and of `testclient`, where the server is not the subject.
@Suite(.timeLimit(.minutes(10))) struct SkaroClientTests {
    @Test func addressWithoutSkaroIsRefused() async throws {
        try await SkaroServer.with { server in
            let url = server.url.replacing("/skaro", with: "/elsewhere")

            // Nothing answers there.
            var options = ClientOptions()
            options.timeout = .milliseconds(50)
            let impatient = options
            await #expect(throws: ClientError.self) {
                _ = try await SkaroClient.connect(url: url, options: impatient)
            }
        }
    }

    @Test func refusalIsToldInOneSentence() async throws {
        try await SkaroServer.with { server in
            let client = try await server.connect()
            do {
                try await client.authorize(login: "nobody", password: "wrong")
                Issue.record("no refusal")
            } catch let denial as SkaroDenial {
                #expect(
                    denial.description == "The server answered 401 Unauthorized: The login or the password is wrong.")
            }
            await #expect(throws: SkaroDenial.self) { try await client.restore("unknown") }
            await #expect(throws: SkaroDenial.self) { try await client.send("Hello!", to: "nobody") }
            await #expect(throws: SkaroDenial.self) { try await client.register(login: "", password: "secret") }
        }
    }

    @Test func endOfTheConnectionFailsWhatWaits() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            await alice.client.close()

            await #expect(throws: ClientError.self) { _ = try await alice.client.request(.getContacts) }
            #expect(alice.client.closure?.code == 1000)
            await #expect(throws: SkaroPerson.Ended.self) { _ = try await alice.next() }
        }
    }

    @Test func cancelledRequestLeavesTheConnectionWhole() async throws {
        try await SkaroServer.with { server in
            let alice = try await server.join("alice")
            let client = alice.client
            server.test.engine.hold()
            let request = Task { try await client.request(.addContact(login: "alice2")) }
            request.cancel()
            _ = await request.result
            server.test.engine.release()

            #expect(try await client.request(.getContacts).isSuccess)
        }
    }
}
