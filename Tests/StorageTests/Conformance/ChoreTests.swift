// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Testing

@testable import Storage

/// What is done every minute holds up no commit for long.
struct ChoreTests {
    private static let hash = [UInt8](repeating: 1, count: 32)

    private func withEngine(
        _ kind: StorageKind, _ body: (StorageUnderTest, Storage, HeldEngine) async throws -> Void
    ) async throws {
        try await StorageUnderTest.with(kind) { test in
            let engine = HeldEngine(test.storage.engine)
            try await body(test, test.storage(over: engine, clock: ContinuousClock()), engine)
        }
    }

    @Test(arguments: StorageKind.available)
    func whatFindsNothingBeginsNoWrite(kind: StorageKind) async throws {
        try await withEngine(kind) { test, storage, engine in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            let blob = NewBlob(name: "file", sha256: Self.hash, bytes: [1, 2, 3])
            try await test.done(test.message("hello", to: flow, blobs: [blob]), by: alice)
            test.clock.advance(milliseconds: 2 * Blobs.gracePeriodSeconds * 1000)

            #expect(try await storage.collectBlobs() == 0)
            #expect(try await storage.purgeDeletedFlows())
            #expect(try await storage.removeSessions(expiredBefore: test.clock.now) == 0)
            try await storage.saveCursors([])

            #expect(engine.writes == 0)
        }
    }

    /// The search for old attachments is no part of the transaction that removes them.
    @Test(arguments: StorageKind.available)
    func anAttachmentThatIsNeededAgainMeanwhileStays(kind: StorageKind) async throws {
        try await withEngine(kind) { test, storage, engine in
            let alice = try await test.createUser("alice")
            let flow = try await test.createFlow(owner: alice)
            for byte in UInt8(1)...2 {
                try await test.storage.storeBlob(sha256: [UInt8](repeating: byte, count: 32), bytes: [byte])
            }
            test.clock.advance(milliseconds: 2 * Blobs.gracePeriodSeconds * 1000)
            engine.hold()
            async let collected = storage.collectBlobs()
            await engine.writeIsHeld()

            let blob = NewBlob(name: "file", sha256: Self.hash, bytes: nil)
            let sent = try await test.done(test.message("hello", to: flow, blobs: [blob]), by: alice)
            engine.release()

            #expect(try await collected == 1)
            #expect(try await test.storage.message(at: sent.position)?.blobs == ["file": [1]])
        }
    }

    @Test(arguments: StorageKind.available)
    func manyCursorsAndSessionsAreWrittenInPieces(kind: StorageKind) async throws {
        try await withEngine(kind) { test, storage, engine in
            let alice = try await test.createUser("alice")
            let cursors = (0..<2500).map { DeviceCursor(user: alice, device: "device \($0)", position: Position(1)) }
            let seen = Dictionary(uniqueKeysWithValues: (1...1001).map { (SessionID($0), test.clock.now) })

            try await storage.saveCursors(cursors, seen: seen)

            #expect(engine.writes == 3)
            #expect(try await storage.cursors(of: alice).count == 2500)
        }
    }
}
