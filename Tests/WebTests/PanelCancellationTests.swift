// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import Operations
import Testing

@testable import Chat
@testable import Credentials
@testable import Web

/// What becomes of what a browser asked for that is gone.
@Suite(.timeLimit(.minutes(10)))
struct PanelCancellationTests {
    @Test func aLogInLeavesTheQueueOfHashes() async throws {
        try await withPanel { panel in
            let hasher = panel.test.chat.hasher
            let places = PasswordHasher.Settings.coreCount
            var browser = panel.browser()
            _ = try await browser.get("/admin/login")
            let visitor = browser
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            let (readEnd, writeEnd) = (ends[0], ends[1])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<places {
                    group.addTask {
                        try await hasher.queue.perform {
                            // Ends when the other end is closed.
                            var byte: UInt8 = 0
                            _ = read(readEnd, &byte, 1)
                            return .success(())
                        }
                    }
                }
                while hasher.load.running < places { await Task.yield() }

                try await visitor.abandon("/admin/login", [("username", "admin"), ("password", "guess")]) {
                    while hasher.load.waiting == 0 { await Task.yield() }
                }

                while hasher.load.waiting > 0 { await Task.yield() }
                close(writeEnd)
                try await group.waitForAll()
            }
            close(readEnd)
            #expect(try await browser.logIn().status == 303)
        }
    }

    @Test func aWriteThatWasSubmittedIsDone() async throws {
        try await withPanel { panel in
            var browser = try await panel.loggedIn()
            _ = try await browser.get("/admin/users/new")
            let visitor = browser
            panel.test.engine.hold()

            try await visitor.abandon("/admin/users/new", [("login", "alice"), ("password", "a secret word")]) {
                await panel.test.engine.writeIsHeld()
            }
            _ = await panel.closings.first { $0 == "POST /admin/users/new" }
            panel.test.engine.release()

            // Writes are done in their order.
            try await panel.user("bob")
            let alice = try await panel.run(ShowUser(login: "alice"))
            #expect(alice.user.login == "alice")
            let records = try await panel.run(ListAudit(what: "user.create")).items
            #expect(records.contains { $0.result == .done && $0.who == "admin" })
        }
    }
}
