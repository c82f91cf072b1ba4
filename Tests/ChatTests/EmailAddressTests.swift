// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Testing

struct EmailAddressTests {
    private static func letters(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test(arguments: [
        "alice@example.org", "a@b.c", "first.last+tag@sub.example.org", "!#$%&'*+-/=?^_`{|}~@example.org",
        "jürgen@exämple.org", "用户@例子.中国", "a@1.example", "\(letters(64))@\(letters(63)).org",
    ])
    func addressesAreTaken(text: String) {
        #expect(EmailAddress.isValid(text))
    }

    @Test(arguments: [
        "", "@", "alice", "alice@", "@example.org", "alice@example", "alice@@example.org", "a@b@example.org",
        ".alice@example.org", "alice.@example.org", "al..ice@example.org", "al ice@example.org", "alice@exam ple.org",
        "alice@.example.org", "alice@example.org.", "alice@-example.org", "alice@example-.org", "alice@example_.org",
        "alice@127.0.0.1", "alice@[127.0.0.1]", "\"alice\"@example.org", "Alice <alice@example.org>",
        "alice@example.org\n", "alice\u{200B}@example.org", "alice@example\u{A0}.org",
        "\(letters(65))@example.org", "a@\(letters(64)).org",
        "a@" + [String](repeating: letters(63), count: 5).joined(separator: "."),
    ])
    func whatIsNoneIsRefused(text: String) {
        #expect(!EmailAddress.isValid(text))
    }
}
