// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import Transport

struct CipherExpressionTests {
    private func suites(_ text: String) throws -> [String]? { try CipherExpression(text).suites }

    // What OpenSSL 3.0 gives ('openssl ciphers -tls1_2 -s'), without the suites that BoringSSL does not have; the order
    // of suites that one word selects is ours.
    @Test(arguments: [
        ("AES256-SHA:AES128-SHA", ["AES256-SHA", "AES128-SHA"]), ("aes128-sha", ["AES128-SHA"]),
        ("AES128-SHA,AES256-SHA AES128-SHA", ["AES128-SHA", "AES256-SHA"]),
        ("kRSA+AESGCM", ["AES128-GCM-SHA256", "AES256-GCM-SHA384"]),
        ("RSA:!AESGCM", ["AES128-SHA", "AES256-SHA"]),
        ("aECDSA+AES256", ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA"]),
        ("CHACHA20", ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"]),
        ("AES128-SHA:CHACHA20+ECDSA:+AES128-SHA", ["ECDHE-ECDSA-CHACHA20-POLY1305", "AES128-SHA"]),
        ("kRSA:@STRENGTH", ["AES256-GCM-SHA384", "AES256-SHA", "AES128-GCM-SHA256", "AES128-SHA"]),
        ("!AES128-SHA:kRSA+SHA1", ["AES256-SHA"]), ("kRSA+SHA1:-AES128:AES128-SHA", ["AES256-SHA", "AES128-SHA"]),
        ("@SECLEVEL=1:AES128-SHA", ["AES128-SHA"]),
        ("DHE-RSA-AES256-GCM-SHA384:AES128-SHA:ECDHE-RSA-AES128-SHA256:PSK:RC4", ["AES128-SHA"]),
    ])
    func expressionsAreEvaluatedAsByOpenSSL(text: String, expected: [String]) throws {
        #expect(try suites(text) == expected)
    }

    @Test func groupsSelectWhatTheyName() throws {
        let all = CipherExpression.allSuites

        #expect(try suites("ALL") == all)
        #expect(try suites("HIGH:!aNULL:!eNULL:!MD5") == all)
        #expect(try suites("DEFAULT:!kRSA") == all.filter { $0.hasPrefix("ECDHE") })
        #expect(try suites("TLSv1.2") == all.filter { $0.contains("GCM") || $0.contains("CHACHA20") })
        #expect(try suites("ECDHE+AESGCM") == all.filter { $0.hasPrefix("ECDHE") && $0.contains("GCM") })
    }

    @Test(arguments: ["TLSv1", "DEFAULT", "default"]) func theLibraryChooses(text: String) throws {
        #expect(try suites(text) == nil)
    }

    @Test(arguments: ["", ":", "!ALL", "HIGH:!ALL", "RC4", "DHE+AESGCM", "AES128-SHA:-AES128-SHA", "kRSA+ECDHE"])
    func anExpressionLeavesSomething(text: String) {
        #expect(throws: CipherExpression.Problem.nothingLeft) { try suites(text) }
    }

    @Test(arguments: [
        ("NOSUCH", "NOSUCH"), ("AES128-SHA:no-such-suite", "no-such-suite"), ("ECDHE+NOSUCH", "ECDHE+NOSUCH"),
        ("!NOSUCH", "NOSUCH"), ("@NOSUCH", "@NOSUCH"), ("AES128-SAH", "AES128-SAH"), ("!", ""),
    ])
    func whatMeansNothingIsNamed(text: String, word: String) {
        #expect(throws: CipherExpression.Problem.unknownWord(word)) { try suites(text) }
    }
}
