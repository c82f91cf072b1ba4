// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

/// Who guesses passwords, and who only mistypes one, also after a restart.
@Suite(.timeLimit(.minutes(10))) struct LoginRateTests {
    @Test(arguments: StorageKind.engines) func whoHasLoggedInBeforeIsKnownAfterARestart(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            try await test.register("alice")
            try await test.logIn("alice", address: "2001:db8::1")

            try await test.withAnother(policy: ChatPolicy()) { next in
                let logIn = { (password: String, address: String) in
                    try await next.logIn(
                        login: "alice", password: Password(password), from: Origin(protocol: "test", address: address))
                }
                // Another address of the same network.
                for _ in 0..<20 {
                    await #expect(throws: ChatError.wrongPassword) { _ = try await logIn("guess", "2001:db8::2") }
                }
                _ = try await logIn(ChatUnderTest.password, "2001:db8::2")

                for _ in 0..<5 {
                    await #expect(throws: ChatError.wrongPassword) { _ = try await logIn("guess", "2001:db8:0:1::2") }
                }
                await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                    _ = try await logIn("guess", "2001:db8:0:1::2")
                }
            }
        }
    }

    @Test func whoHasLoggedInIsSlowedDownAfterManyFailures() async throws {
        try await ChatUnderTest.with { test in
            try await test.register("alice")
            try await test.logIn("alice")
            for _ in 0..<30 {
                await #expect(throws: ChatError.wrongPassword) { try await test.logIn("alice", password: "guess") }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) {
                try await test.logIn("alice", password: "guess")
            }
            test.clock.advance(by: .seconds(1))
            try await test.logIn("alice")
        }
    }

    @Test func loginsThatDoNotExistAreSlowedDownLikeOthers() async throws {
        try await ChatUnderTest.with { test in
            for _ in 0..<5 {
                await #expect(throws: ChatError.noSuchLogin) { try await test.logIn("nobody") }
            }

            await #expect(throws: ChatError.tooManyAttempts(seconds: 1)) { try await test.logIn("nobody") }
        }
    }
}
