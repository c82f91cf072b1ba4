// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestClient
import Testing

@testable import Web

/// `/balance`: the server for one client more.
@Suite(.timeLimit(.minutes(10)))
struct BalanceTests {
    @Test func chosenServerIsToldAsJSON() async throws {
        let fixture = ServiceFixture()
        fixture.state.withLock { state in
            state.choice = ServerChoice(
                name: "al\"pha",
                addresses: [
                    "skaro": "ws://192.0.2.1:80/skaro", "mtp": "ws://192.0.2.1:80/ws", "messenger": "tcp://h:1",
                ])
        }
        try await withWebServer(fixture.service(balances: true)) { server in
            let answer = try await HTTPClient.get(server.url + "/balance")

            #expect(answer.status == 200)
            #expect(answer[header: "content-type"] == "application/json")
            #expect(answer[header: "cache-control"] == "no-store")
            let expected =
                #"{"version":1,"node":"al\"pha","protocols":"#
                + #"{"messenger":"tcp://h:1","mtp":"ws://192.0.2.1:80/ws","skaro":"ws://192.0.2.1:80/skaro"}}"#
            #expect(answer.text == expected)
        }
    }

    @Test func eachRequestIsAChoiceOfItsOwn() async throws {
        let fixture = ServiceFixture()
        try await withWebServer(fixture.service(balances: true)) { server in
            let none = try await HTTPClient.get(server.url + "/balance")
            fixture.state.withLock { $0.choice = ServerChoice(name: "a", addresses: [:]) }
            let one = try await HTTPClient.get(server.url + "/balance")
            let wrong = try await server.ask("POST", "/balance")

            #expect(none.status == 503)
            #expect(none.text == #"{"version":1,"error":"no_server"}"#)
            #expect(one.text == #"{"version":1,"node":"a","protocols":{}}"#)
            #expect(wrong.status == 405)
        }
    }

    @Test func thereIsNoSuchPageWithoutABalancer() async throws {
        try await withWebServer(ServiceFixture().service()) { server in
            let answer = try await HTTPClient.get(server.url + "/balance")

            #expect(answer.status == 404)
        }
    }
}
