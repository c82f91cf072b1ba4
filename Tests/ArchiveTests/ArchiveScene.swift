// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Credentials
import Glibc
import Storage
import TestSupport

@testable import Archive

/// A store with something in every table, and archives as bytes and as members.
enum ArchiveScene {
    static let blob = Array("the bytes of an attachment".utf8)
    static let emptyBlob: [UInt8] = []

    /// Puts rows into every table that an archive keeps.
    static func fill(_ test: StorageUnderTest, messages: Int = 20) async throws {
        var withKey = test.newUser("alice")
        withKey.key = NewKey(kind: "fastchat", device: "desk", publicKey: "public")
        let alice = try await test.done(Write.CreateUser(withKey)).userID
        let bob = try await createAdministrator("bob", test)
        let gone = try await test.createUser("gone")
        let flow = try await test.createFlow(owner: alice, members: [bob, gone], title: "Straße 🦜\n\"quoted\"")
        _ = try await test.createFlow(owner: bob)
        let blobs = [
            NewBlob(name: "file", sha256: SHA256Digest.digest(of: blob), bytes: blob),
            NewBlob(name: "empty", sha256: SHA256Digest.digest(of: emptyBlob), bytes: emptyBlob),
        ]
        try await test.done(test.message("with files", to: flow, blobs: blobs), by: alice)
        let first = try await test.send("a text that is edited", from: alice, to: flow)
        try await test.done(
            Write.EditMessage(flow: flow, message: first.position, content: StorageUnderTest.content("edited ü")),
            by: alice)
        let second = try await test.send("a text that is deleted", from: bob, to: flow)
        try await test.done(Write.DeleteMessage(flow: flow, message: second.position), by: bob)
        try await test.done(
            Write.SendMessage(
                flow: flow, content: [0, 255, 1, 128], blobs: [],
                bodies: [NewBody(recipient: bob, body: [1, 2, 3], key: [])]), by: alice)
        let texts = (0..<messages).map { number in
            test.write(
                test.message("message number \(number) \\u0001 \u{7F}é", to: flow),
                by: number.isMultiple(of: 2) ? alice : bob)
        }
        _ = try await test.storage.commit(texts)
        try await test.done(Write.RemoveMember(flow, gone), by: alice)
        try await test.done(Write.DeleteUser(gone))
        try await test.done(Write.AddContact(alice, bob), by: alice)
        try await test.done(Write.SetLimits(bob, "{\"write\":\"off\"}"))
        try await test.done(Write.CreateInvite(codeHash: [UInt8](repeating: 7, count: 32), note: "for a friend"))
        let token = NewSession(
            tokenHash: [UInt8](repeating: 9, count: 32), protocol: "mtp", address: "192.0.2.1", lifetimeSeconds: 60)
        try await test.done(Write.OpenSession(alice, token), by: alice)
        let pair = SealedKeyPair(publicKey: "public", sealedPrivateKey: [4, 5, 6])
        _ = try await test.storage.putBridgeKey(pair, of: bob, kind: "fastchat")
        _ = try await test.storage.putServerKey(pair, name: "key")
        _ = try await test.storage.addStoredBytes([(user: alice, bytes: 123)])
        try await test.storage.engine.write { connection in
            for (device, position) in [("messenger", 3), ("Zebra", 1), ("äther", 2)] {
                try connection.execute(
                    "INSERT INTO cursors (user_id, device, position) VALUES ($1, $2, $3)",
                    [.int(1), .text(device), .int(Int64(position))])
            }
            // Early versions made administrators without an account.
            try connection.execute(
                "INSERT INTO admins (username, hash_password, created_ms) VALUES ('admin', 'hash', 1)", [])
            try connection.execute("INSERT INTO log_steps (position, before_ms, after_ms) VALUES (1, 2, 1)")
        }
        while try await test.storage.indexForSearch(text: StorageUnderTest.text) != .nothing {}
    }

    /// Makes an account with an administrator, and the record of that.
    private static func createAdministrator(_ login: String, _ test: StorageUnderTest) async throws -> UserID {
        typealias Creation = Write.CreateUser
        let admin = NewAdmin(username: "Ünal", passwordHash: "hash")
        var recorded = test.write(Creation(test.newUser(login), admin: admin))
        recorded.audit = AuditNote(
            AuditEntry(
                actor: "root", face: "cli", address: nil, operation: "superuser.create", target: "Ünal",
                parameters: "{}")
        ) { SHA256Digest.digest(of: $0) }
        let batch = try await test.storage.commit([recorded])
        return try batch.outcomes[0].of(Creation.self).receipt.userID
    }

    /// The archive of a store.
    static func archive(
        of storage: Storage, files: [ArchivedFile] = [], program: String = "1.2.3"
    ) async throws -> (bytes: [UInt8], report: Backup.Report) {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path("archive.tar.gz")
        let report = try await ArchiveFile.write(to: path) { descriptor in
            try await Backup(program: program, files: files).write(storage, to: descriptor)
        }
        return (try bytes(of: path), report)
    }

    /// Restores an archive from a file.
    static func restore(_ bytes: [UInt8], into storage: Storage) async throws -> Restore.Report {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = try folder.write(bytes, to: "archive.tar.gz")
        return try await ArchiveFile.read(path) { descriptor in
            try await Restore.restore(descriptor, into: storage)
        }
    }

    /// Verifies an archive.
    @discardableResult
    static func verify(_ bytes: [UInt8]) throws -> Restore.Report {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        return try ArchiveFile.read(try folder.write(bytes, to: "archive.tar.gz")) { try Restore.verify($0) }
    }

    static func bytes(of path: String) throws -> [UInt8] {
        try ArchiveFile.read(path) { descriptor in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = Glibc.read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
            return bytes
        }
    }

    // MARK: Members

    typealias Member = (name: String, bytes: [UInt8])

    /// What an archive is made of, in order.
    static func members(of bytes: [UInt8]) throws -> [Member] {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        return try ArchiveFile.read(try folder.write(bytes, to: "archive.tar.gz")) { descriptor in
            let input = try GzipInput(descriptor: descriptor)
            var members: [Member] = []
            while let header = try TarHeader(block: try input.read(TarHeader.blockBytes)) {
                members.append((header.name, try input.read(header.size)))
                _ = try input.read(header.padding)
            }
            return members
        }
    }

    /// An archive of any members; `header` may lie about them.
    static func packed(
        _ members: [Member],
        header: (Member) throws -> [UInt8] = { try TarHeader(name: $0.name, size: $0.bytes.count).bytes(seconds: 0) }
    ) async throws -> [UInt8] {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path("archive.tar.gz")
        try await ArchiveFile.write(to: path) { descriptor in
            let output = try GzipOutput(descriptor: descriptor)
            for member in members {
                try output.write(try header(member))
                try output.write(member.bytes)
                try output.write(
                    [UInt8](repeating: 0, count: TarHeader(name: member.name, size: member.bytes.count).padding))
            }
            try output.write([UInt8](repeating: 0, count: 1024))
            try output.finish()
        }
        return try bytes(of: path)
    }

    /// Members with a manifest that fits them, as one who wants to deceive would write it.
    static func resigned(_ members: [Member]) throws -> [Member] {
        var members = members
        let last = members.count - 1
        var manifest = try ArchiveForm.decoded(ArchiveManifest.self, members[last].bytes, name: "manifest.json")
        for index in manifest.documents.indices {
            guard let member = members.first(where: { $0.name == manifest.documents[index].name }) else { continue }
            manifest.documents[index].sha256 = Hexadecimal.text(SHA256Digest.digest(of: member.bytes))
        }
        for index in manifest.tables.indices {
            let parts = members.filter { $0.name.hasPrefix("tables/\(manifest.tables[index].name)/") }
            manifest.tables[index].sha256 = Hexadecimal.text(SHA256Digest.digest(of: parts.flatMap(\.bytes)))
            manifest.tables[index].rows = parts.reduce(0) { $0 + $1.bytes.count { $0 == UInt8(ascii: "\n") } }
        }
        members[last].bytes = try ArchiveForm.encoded(manifest)
        return members
    }
}
