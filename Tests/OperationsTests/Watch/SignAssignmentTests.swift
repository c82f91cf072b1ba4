// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Operations
import Testing

struct SignAssignmentTests {
    @Test func signatureIsTheBalancers() async throws {
        var random = SecureRandom()
        let sealer = try #require(Sealer(keys: [random.nextBytes(32)]))
        try await Office.open(sealer: sealer) { office in
            let report = try await office.run(SignAssignment(host: "chat.example.org", port: 8010))

            let key = try await office.chat.serverKey("balancer").publicKey
            #expect(key.isValid(signature: report.sign, of: "chat.example.org8010"))
            #expect(!key.isValid(signature: report.sign, of: "chat.example.org8011"))
        }
    }

    @Test(arguments: [("", 8010), ("a", 0), ("a", 65_536), (String(repeating: "a", count: 256), 1)])
    func whatIsNoAddressIsRefused(host: String, port: Int) async throws {
        try await Office.open { office in
            let refusal = try await office.refusal(of: SignAssignment(host: host, port: port))
            #expect(refusal.kind == .invalid)
        }
    }
}
