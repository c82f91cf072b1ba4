// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ChatTesting
import Glibc
import Storage
import TestSupport
import Testing

@testable import Archive

struct BackupFolderTests {
    @Test func aFileIsThereOnlyWhenItIsWhole() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        struct Failure: Error {}

        await #expect(throws: Failure.self) {
            try await ArchiveFile.write(to: folder.path("a.tar.gz")) { descriptor in
                _ = Glibc.write(descriptor, "half", 4)
                throw Failure()
            }
        }
        #expect(folder.names() == [])
        try await ArchiveFile.write(to: folder.path("a.tar.gz")) { _ = Glibc.write($0, "whole", 5) }
        #expect(folder.text("a.tar.gz") == "whole")
        #expect(try folder.mode(of: "a.tar.gz") & 0o777 == 0o600)
    }

    @Test func aFileThatExistsIsKept() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path("a.tar.gz")

        let error = await #expect(throws: ArchiveError.self) {
            try await ArchiveFile.write(to: path) { descriptor in
                // Another process is faster.
                _ = try folder.write("theirs", to: "a.tar.gz")
                _ = Glibc.write(descriptor, "ours", 4)
            }
        }

        #expect(error?.code == .exists)
        #expect(folder.text("a.tar.gz") == "theirs")
        #expect(folder.names() == ["a.tar.gz"])
    }

    @Test func onlyOldBackupsAreRemoved() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let kept = ["notes.txt", "parley-old.tar.gz", "parley-20260101-000000.tar.gz.bak", "before-upgrade.tar.gz"]
        let backups = (1...5).map { "parley-2026010\($0)-033000.tar.gz" }
        for name in kept + backups { _ = try folder.write("x", to: name) }

        let now = Timestamp(milliseconds: 1_769_904_000_000)
        let removed = try BackupFolder(path: folder.path).removeOld(keeping: 2, now: now)

        #expect(removed == Array(backups.prefix(3)))
        #expect(folder.names().sorted() == (kept + backups.suffix(2)).sorted())
    }

    @Test func backupFromTheFutureIsNoneOfTheNewestAndGoesFirst() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        // 2026-02-01 00:00:00 UTC
        let now = Timestamp(milliseconds: 1_769_904_000_000)
        let place = BackupFolder(path: folder.path)
        let future = ["parley-20260201-010001.tar.gz", "parley-20270201-000000.tar.gz"]
        for name in future { _ = try folder.write("ahead", to: name) }
        #expect(try place.newest(now: now) == nil)
        // An hour ahead is a clock that was set back a little.
        let past = ["parley-20260131-000000.tar.gz", "parley-20260201-010000.tar.gz"]
        for name in past { _ = try folder.write("x", to: name) }

        #expect(try place.newestFile(now: now)?.bytes == 1)
        #expect(try place.removeOld(keeping: 3, now: now) == [future[0]])
        #expect(try place.removeOld(keeping: 1, now: now) == [future[1], past[0]])
        #expect(folder.names() == [past[1]])
    }

    /// The clock went ahead while it was written, and back: no other would be made until then.
    @Test func backupThatWasWrittenInTheFutureIsAsOldAsItsName() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        // 2026-02-01 00:00:00 UTC
        let now: Int64 = 1_769_904_000
        let place = BackupFolder(path: folder.path)
        func newest(written time: Int64, as name: String) throws -> Int64? {
            let path = try folder.write("x", to: name)
            let times = [timespec](repeating: timespec(tv_sec: Int(time), tv_nsec: 0), count: 2)
            try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
            return try place.newest(now: Timestamp(seconds: now)).map { $0 / 1000 }
        }

        // A file of another time is as old as it is.
        #expect(try newest(written: now - 60, as: "parley-20260131-000000.tar.gz") == now - 60)
        #expect(try newest(written: now + 3600, as: "parley-20260131-000000.tar.gz") == now + 3600)
        #expect(try newest(written: now + 3601, as: "parley-20260131-000102.tar.gz") == now - 86_400 + 62)
        // There is no such day: neither time is one that was.
        #expect(try newest(written: now + 3601, as: "parley-20260199-000000.tar.gz") == now - 86_400 + 62)
    }

    @Test func whatAKilledBackupLeftGoesAfterADay() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let names = ["parley-20260101-033000.tar.gz.AbC123", "parley-20260101-033000.tar.gz", "other.tar.gz.AbC123"]
        for name in names { _ = try folder.write("x", to: name) }
        let now = Timestamp(milliseconds: Int64(time(nil)) * 1000)

        try BackupFolder(path: folder.path).removeAbandoned(now: now)
        #expect(folder.names().count == 3)
        try BackupFolder(path: folder.path).removeAbandoned(now: Timestamp(milliseconds: now.milliseconds + 90_000_000))

        #expect(folder.names().sorted() == names.dropFirst().sorted())
    }

    @Test func theListSaysWhatCannotBeRead() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let place = BackupFolder(path: folder.path("backup"))
        #expect(try place.entries().isEmpty)
        try place.create()
        try place.create()
        #expect(try folder.mode(of: "backup") & 0o777 == 0o700)
        try await StorageUnderTest.with(.sqliteMemory) { test in
            let path = place.newPath(at: Timestamp(milliseconds: 1_769_904_000_000))
            #expect(path.hasSuffix("/parley-20260201-000000.tar.gz"))
            _ = try await ArchiveFile.write(to: path) {
                try await Backup(program: "7", files: []).write(test.storage, to: $0)
            }
        }
        _ = try folder.write("x", to: "backup/parley-20260101-000000.tar.gz")

        let entries = try place.entries()

        #expect(entries.map(\.about?.program) == [nil, "7"])
        #expect(entries.map(\.bytes).first == 1)
    }
}
