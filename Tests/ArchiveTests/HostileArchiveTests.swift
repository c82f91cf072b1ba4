// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Storage
import TestSupport
import Testing

@testable import Archive

/// Archives that were cut, changed or made up: refused, with a database that is as empty as before.
struct HostileArchiveTests {
    private typealias Member = ArchiveScene.Member

    private func archive(files: [ArchivedFile] = []) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await StorageUnderTest.with(.sqliteMemory) { test in
            try await ArchiveScene.fill(test, messages: 3)
            bytes = try await ArchiveScene.archive(of: test.storage, files: files).bytes
        }
        return bytes
    }

    private func damage(_ bytes: [UInt8]) -> ArchiveError? {
        do {
            try ArchiveScene.verify(bytes)
            return nil
        } catch {
            return error as? ArchiveError
        }
    }

    @Test func aWholeArchiveIsFine() async throws {
        let files = [ArchivedFile(name: "config.ini", bytes: Array("[SERVER]\n".utf8))]
        let report = try ArchiveScene.verify(try await archive(files: files))

        #expect(report.about.program == "1.2.3")
        #expect(report.manifest.documents.map(\.name) == ["about.json", "settings/config.ini"])
    }

    @Test func anArchiveThatEndsTooEarlyIsRefusedWhereverItEnds() async throws {
        let bytes = try await archive()
        let ends = Array(stride(from: 0, to: bytes.count - 64, by: 7)) + Array(bytes.count - 64..<bytes.count)
        for end in ends { #expect(damage(Array(bytes[..<end]))?.code == .damaged, "cut at \(end)") }
        #expect(damage(bytes + [0])?.code == .damaged)
        #expect(damage(bytes + bytes)?.code == .damaged)
    }

    /// Compression may hide a byte that means nothing, such as the time in its header: then all the rest is as it was.
    @Test func aChangedByteIsRefusedOrMeansNothing() async throws {
        let bytes = try await archive()
        let manifest = try ArchiveScene.verify(bytes).manifest
        var refused = 0
        for index in stride(from: 0, to: bytes.count, by: 5) {
            var changed = bytes
            changed[index] ^= 0x10
            do {
                #expect(try ArchiveScene.verify(changed).manifest == manifest, "byte \(index)")
            } catch {
                #expect((error as? ArchiveError)?.code == .damaged, "byte \(index)")
                refused += 1
            }
        }
        #expect(refused > bytes.count / 5 - 20)
    }

    /// The same inside of the compression, whose own check sum does not tell.
    @Test func aChangedMemberIsRefused() async throws {
        let members = try ArchiveScene.members(of: try await archive())
        for index in members.indices where !members[index].bytes.isEmpty {
            for place in [0, members[index].bytes.count / 2, members[index].bytes.count - 1] {
                var changed = members
                changed[index].bytes[place] ^= 1
                let packed = try await ArchiveScene.packed(changed)
                #expect(damage(packed)?.code == .damaged, "\(members[index].name) at \(place)")
            }
            var fewer = members
            fewer.remove(at: index)
            #expect(damage(try await ArchiveScene.packed(fewer))?.code == .damaged, "without \(members[index].name)")
            var twice = members
            twice.insert(members[index], at: index)
            #expect(damage(try await ArchiveScene.packed(twice))?.code == .damaged, "twice \(members[index].name)")
        }
    }

    @Test(arguments: [
        "../../etc/passwd", "/etc/passwd", "settings/../config.ini", "settings/", "settings/.bashrc", "settings/a/b",
        "settings/a\u{0}b", "tables/users/00000001.jsonl", "other",
    ])
    func aNameThatMustNotBeThereIsRefused(name: String) async throws {
        var members = try ArchiveScene.members(of: try await archive())
        members.insert((name, Array("x".utf8)), at: 1)

        #expect(damage(try await ArchiveScene.packed(try ArchiveScene.resigned(members)))?.code == .damaged)
    }

    @Test func whatIsNoPlainFileIsRefused() async throws {
        let members = try ArchiveScene.members(of: try await archive())
        for type in "125xLg" {
            let packed = try await ArchiveScene.packed(members) { member in
                var block = try TarHeader(name: member.name, size: member.bytes.count).bytes(seconds: 0)
                if member.name == "manifest.json" {
                    // The check sum is the sum of the bytes.
                    let sum = block[148..<154].reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
                    let kind = type.asciiValue ?? 0
                    let digits = String(sum + Int(kind) - Int(block[156]), radix: 8)
                    block[156] = kind
                    for (index, digit) in (String(repeating: "0", count: 6 - digits.count) + digits).utf8.enumerated() {
                        block[148 + index] = digit
                    }
                }
                return block
            }
            #expect(damage(packed)?.code == .damaged, "\(type)")
        }
    }

    /// What is announced costs no memory, only what comes.
    @Test(arguments: [ArchiveForm.maximumMemberBytes, ArchiveForm.maximumMemberBytes + 1, (1 << 33) - 1])
    func aGiganticLengthIsRefused(size: Int) async throws {
        let members = try ArchiveScene.members(of: try await archive())
        let packed = try await ArchiveScene.packed(members) { member in
            let isLast = member.name == "tables/events/00000001.jsonl"
            return try TarHeader(name: member.name, size: isLast ? size : member.bytes.count).bytes(seconds: 0)
        }

        #expect(damage(packed)?.code == .damaged)
    }

    @Test func anotherProgramsFileIsRefused() async throws {
        #expect(damage(Array("PRAGMA foreign_keys=OFF;".utf8))?.code == .damaged)
        #expect(damage([])?.code == .damaged)
        #expect(damage(try await ArchiveScene.packed([]))?.code == .damaged)
        #expect(damage(try await ArchiveScene.packed([("about.json", Array("{}".utf8))]))?.code == .damaged)
        let deep = String(repeating: "[", count: 100_000)
        #expect(damage(try await ArchiveScene.packed([("about.json", Array(deep.utf8))]))?.code == .damaged)
        let newer = try await ArchiveScene.packed([("about.json", Array(#"{"format":2}"#.utf8))])
        #expect(damage(newer)?.code == .newer)
    }

    // MARK: Restoring

    /// Restores an archive that was tampered with by one who knows how, into an empty store.
    private func restoring(
        _ kind: StorageKind, _ change: (inout [Member]) throws -> Void
    ) async throws -> (error: (any Error)?, state: MigrationStatus.State, users: Int64) {
        var members = try ArchiveScene.members(of: try await archive())
        try change(&members)
        let bytes = try await ArchiveScene.packed(try ArchiveScene.resigned(members))
        var result: (error: (any Error)?, state: MigrationStatus.State, users: Int64) = (nil, .foreign, -1)
        try await StorageUnderTest.with(kind) { test in
            do {
                _ = try await ArchiveScene.restore(bytes, into: test.storage)
            } catch {
                result.error = error
            }
            result.state = try await test.storage.migrationStatus().state
            result.users = try await test.storage.counts().users
        }
        return result
    }

    @Test(arguments: StorageKind.available)
    func columnsAndTablesAreThoseOfTheSchema(kind: StorageKind) async throws {
        let changes: [(String, String)] = [
            (#""name" : "bio""#, #""name" : "bio) SELECT 1; DROP TABLE users; --""#),
            (#""name" : "bio""#, #""name" : "id""#),
            (#""name" : "users""#, #""name" : "users; DROP TABLE events""#),
            (#""name" : "admins""#, #""name" : "sessions""#),
            (#""name" : "admins""#, #""name" : "sqlite_master""#),
            (#""name" : "admins""#, #""name" : "pg_class""#),
        ]
        for (text, replacement) in changes {
            let result = try await restoring(kind) { members in
                let old = text.split(separator: "\"").last ?? ""
                let new = replacement.split(separator: "\"").last ?? ""
                for index in members.indices {
                    let name = members[index].name.replacing("tables/\(old)/", with: "tables/\(new)/")
                    let isDocument = name == "about.json" || name == "manifest.json"
                    let content = String(decoding: members[index].bytes, as: UTF8.self)
                    if isDocument { members[index].bytes = Array(content.replacing(text, with: replacement).utf8) }
                    if index == 0 { #expect(content.contains(text)) }
                    members[index].name = name
                }
            }
            #expect(
                (result.error as? ArchiveError)?.code == .damaged, "\(replacement): \(String(describing: result.error))"
            )
            #expect(result.state == .current && result.users == 0)
        }
    }

    @Test(arguments: StorageKind.available)
    func aTableThatIsMissingIsNoticed(kind: StorageKind) async throws {
        var members = try ArchiveScene.members(of: try await archive())
        var about = try ArchiveForm.decoded(ArchiveAbout.self, members[0].bytes, name: "about.json")
        about.tables.removeAll { $0.name == "invites" }
        members[0].bytes = try ArchiveForm.encoded(about)
        members.removeAll { $0.name.hasPrefix("tables/invites/") }
        var manifest = try ArchiveForm.decoded(ArchiveManifest.self, members[members.count - 1].bytes, name: "")
        manifest.tables.removeAll { $0.name == "invites" }
        members[members.count - 1].bytes = try ArchiveForm.encoded(manifest)
        let bytes = try await ArchiveScene.packed(try ArchiveScene.resigned(members))

        try await StorageUnderTest.with(kind) { test in
            await #expect(throws: ArchiveError.self) { _ = try await ArchiveScene.restore(bytes, into: test.storage) }
            let counts = try await test.storage.counts()
            #expect(counts.users == 0)
        }
    }

    @Test(arguments: StorageKind.available)
    func rowsThatTheSchemaForbidsUndoEverything(kind: StorageKind) async throws {
        let lines = [
            // No such account, the same row twice, no identifier, a text with U+0000, no row at all.
            ("tables/contacts/00000001.jsonl", "[1,77,5]\n"),
            ("tables/cursors/00000001.jsonl", "[1,\"a\",1]\n[1,\"a\",1]\n"),
            ("tables/admins/00000001.jsonl", "[null,1,\"hash\",null]\n"),
            ("tables/admins/00000001.jsonl", "[\"a\\u0000b\",1,\"hash\",null]\n"),
            ("tables/admins/00000001.jsonl", "{}\n"), ("tables/admins/00000001.jsonl", "[\"a\",1.5,\"hash\",null]\n"),
            ("tables/invites/00000001.jsonl", "[\"0g\",1,null,\"\",null,0,1]\n"),
            ("tables/admins/00000001.jsonl", "[\"a\",1,\"hash\",null]"),
        ]
        for (name, text) in lines {
            let result = try await restoring(kind) { members in
                let place = try #require(members.firstIndex { $0.name == name })
                members[place].bytes = Array(text.utf8)
            }
            #expect(result.error != nil, "\(text)")
            #expect(result.state == .current && result.users == 0, "\(text)")
        }
    }

    /// An attachment that is not the one that its row names.
    @Test func anAttachmentIsComparedWithItsName() async throws {
        let result = try await restoring(.sqliteMemory) { members in
            let place = try #require(members.firstIndex { $0.name.hasPrefix("attachments/") && !$0.bytes.isEmpty })
            members[place].bytes[0] ^= 1
        }

        #expect((result.error as? ArchiveError)?.code == .damaged)
    }

    @Test(arguments: StorageKind.available)
    func aDatabaseWithDataIsKept(kind: StorageKind) async throws {
        let bytes = try await archive()
        try await StorageUnderTest.with(kind) { test in
            _ = try await test.createUser("dora")

            let error = await #expect(throws: ArchiveError.self) {
                _ = try await ArchiveScene.restore(bytes, into: test.storage)
            }

            #expect(error?.code == .notEmpty)
            #expect(try await test.storage.user(loginKey: "dora") != nil)
            #expect(try await test.storage.counts().users == 1)
        }
    }

    @Test(arguments: StorageKind.available)
    func aTornArchiveLeavesNothing(kind: StorageKind) async throws {
        let bytes = try await archive()
        try await StorageUnderTest.with(kind, migrated: false) { test in
            await #expect(throws: ArchiveError.self) {
                _ = try await ArchiveScene.restore(Array(bytes.dropLast(30)), into: test.storage)
            }

            let status = try await test.storage.migrationStatus()
            #expect(status.state == .empty)
        }
    }
}
