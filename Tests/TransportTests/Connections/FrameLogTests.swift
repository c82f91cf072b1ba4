// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import TestSupport
import Testing

@testable import Transport

struct FrameLogTests {
    private func outline(_ text: String) -> String? { FrameLog.outline(of: ByteBuffer(string: text)) }

    @Test(arguments: [
        (
            #"{"type":"ping_pong","jsonapi":{"version":"1.0"},"meta":null}"#,
            "{type: ping_pong, jsonapi: {version: 1.0}, meta: null}"
        ),
        (
            #"{"data":{"user":[{"uuid":"115","auth_id":"hunter2","password":"hunter22","is_bot":false}],"time":17}}"#,
            "{data: {user: [{uuid: 115, auth_id: string(7), password: string(8), is_bot: false}], time: 17}}"
        ),
        (
            #"{"message":[{"text":1984,"client_id":7,"emoji":true}]}"#,
            "{message: [{text: number, client_id: 7, emoji: bool}]}"
        ),
        (#"{"users":["a","b","c","d","e"]}"#, "{users: [string(1), string(1), string(1), string(1), … 5]}"),
        (#"{"a secret as a name":1,"UPPER":2}"#, "{name(18): number, name(5): number}"), (#""secret""#, "string(6)"),
        ("[[[[[[[1]]]]]]]", "[[[[[[[…]]]]]]]"),
    ])
    func onlyTheShapeIsShown(text: String, expected: String) {
        #expect(outline(text) == expected)
    }

    @Test func valuesThatAreLongAreNotShownEither() {
        let long = String(repeating: "x", count: 65)

        #expect(outline(#"{"type":"\#(long)"}"#) == "{type: string(65)}")
    }

    @Test(arguments: ["", "no JSON", "{"]) func whatIsNoJSONHasNoShape(text: String) {
        #expect(outline(text) == nil)
    }

    @Test func nothingIsLoggedAboveTrace() {
        #expect(FrameLog(LogCapture().logger(.debug)) == nil)
    }

    @Test func framesOfAConnectionAreLoggedWithoutTheirTexts() async throws {
        let log = LogCapture()
        var options = TestServer.Options()
        options.frameLog = FrameLog(log.logger(.trace))
        try await withTestServer(options) { server in
            try await withRawClient(port: server.port) { client in
                try await client.openWebSocket()
                try await client.send(text: #"{"type":"x","password":"hunter2"}"#)
                _ = try await client.readFrame()
            }
        }

        let frames = log.lines.filter { $0.contains("bytes=33") && $0.contains("frame={type: x, password: string(7)}") }
        #expect(frames.map { $0.prefix { $0 != "=" } } == ["trace Frame received bytes", "trace Frame sent bytes"])
        #expect(!log.lines.contains { $0.contains("hunter2") })
    }
}
