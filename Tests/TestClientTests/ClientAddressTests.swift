// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestClient
import Testing

@Suite struct ClientAddressTests {
    @Test(arguments: [
        ("ws://127.0.0.1:8080/ws", false, "127.0.0.1", 8080, "/ws", "127.0.0.1:8080"),
        ("WSS://chat.example.org", true, "chat.example.org", 443, "/", "chat.example.org"),
        ("http://localhost", false, "localhost", 80, "/", "localhost"),
        ("https://h:444?a=b#c", true, "h", 444, "/?a=b", "h:444"),
        ("ws://[::1]:8080/a/b?c", false, "::1", 8080, "/a/b?c", "[::1]:8080"),
        ("ws://[::1]/", false, "::1", 80, "/", "[::1]"),
    ])
    func addressesAreTakenApart(
        url: String, isSecure: Bool, host: String, port: Int, path: String, authority: String
    ) throws {
        let address = try ClientAddress(url: url)

        #expect(address.isSecure == isSecure)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == path)
        #expect(address.authority == authority)
    }

    @Test(arguments: [
        "", "ws", "127.0.0.1:8080", "ftp://host/", "ws://", "ws:///ws", "ws://:80/", "ws://host:0/", "ws://host:99999/",
        "ws://host:x/", "ws://ho st/", "ws://host/a b", "ws://host/\r\nX: y", "ws://hôte/", "ws://[]/",
    ])
    func otherTextsAreRefusedWithAReason(url: String) {
        #expect {
            try ClientAddress(url: url)
        } throws: {
            guard case ClientError.invalidURL(url, let reason) = $0 else { return false }
            return !reason.isEmpty
        }
    }

    @Test func aPasswordInAnAddressIsRefusedAndNotRepeated() {
        #expect {
            try ClientAddress(url: "ws://alice:hunter2@host/")
        } throws: {
            !"\($0)".contains("hunter2") && !String(reflecting: $0).contains("hunter2")
        }
    }
}
