// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Operations
import Testing

struct LimitUserTests {
    @Test func limitsAreShownChangedAndTakenAway() async throws {
        try await Office.open { office in
            try await office.user("alice")

            let before = try await office.run(LimitUser(login: "alice"))
            let changed = try await office.run(
                LimitUser(
                    login: "ALICE", changes: [.write: "100/s burst 500", .read: "off", .flows: "7", .bytes: "1000"]))
            let partly = try await office.run(LimitUser(login: "alice", changes: [.write: "default", .flows: "off"]))
            let reset = try await office.run(LimitUser(login: "alice", resets: true))

            #expect(before.limits == [:])
            #expect(before.storedBytes == 0)
            #expect(changed.limits == [.write: "100/s burst 500", .read: "off", .flows: "7", .bytes: "1000"])
            #expect(partly.limits == [.read: "off", .flows: "off", .bytes: "1000"])
            #expect(reset.limits == [:])
        }
    }

    @Test(arguments: [
        (LimitUser.Limit.write, "fast", "rate"), (.read, "1/w", "rate"), (.flows, "many", "number"),
        (.bytes, "-1", "number"),
    ]) func whatIsNoLimitIsRefused(limit: LimitUser.Limit, text: String, word: String) async throws {
        try await Office.open { office in
            try await office.user("alice")

            let refusal = try await office.refusal(of: LimitUser(login: "alice", changes: [limit: text]))

            #expect(refusal.kind == .invalid)
            #expect(refusal.message.contains(word))
            let after = try await office.run(LimitUser(login: "alice"))
            #expect(after.limits == [:])
        }
    }

    @Test func unknownAccountIsNamed() async throws {
        try await Office.open { office in
            let refusal = try await office.refusal(of: LimitUser(login: "nobody"))
            #expect(refusal.kind == .notFound)
        }
    }
}
