// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

struct SettingsFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func file(_ name: String = "config.ini") -> SettingsFile {
        SettingsFile(path: "\(folder.path)/\(name)", choice: .option)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        lstat(path, &status)
        return status.st_mode
    }

    @Test func newFileIsForItsOwnerOnly() throws {
        try file().write(Array("a".utf8))

        #expect(mode(file().path) & 0o777 == 0o600)
        #expect(try file().read() == Array("a".utf8))
        #expect(folder.names() == ["config.ini"])
    }

    @Test func existingFileKeepsItsModeAndALinkStaysALink() throws {
        try folder.write("old", to: "real.ini", mode: 0o640)
        symlink("real.ini", "\(folder.path)/config.ini")

        try file().write(Array("new".utf8))

        #expect(mode(file().path) & S_IFMT == S_IFLNK)
        #expect(mode(file("real.ini").path) & 0o777 == 0o640)
        #expect(try file("real.ini").read() == Array("new".utf8))
    }

    @Test func failedWriteLeavesNothingBehind() throws {
        let lost = SettingsFile(path: "\(folder.path)/none/config.ini", choice: .option)

        let error = try #require(throws: SettingsError.self) { try lost.write([1]) }

        #expect(error.code == .unusableFile)
        #expect(error.description.contains(lost.path))
        #expect(folder.names().isEmpty)
    }

    @Test func backUpsNeverOverwriteEachOther() throws {
        try folder.write("one", to: "config.ini", mode: 0o600)

        let first = try file().backUp(suffix: "20260101-000000")
        try folder.write("two", to: "config.ini", mode: 0o600)
        let second = try file().backUp(suffix: "20260101-000000")

        #expect(first == "\(folder.path)/config.ini.20260101-000000")
        #expect(second == "\(folder.path)/config.ini.20260101-000000-2")
        #expect(try SettingsFile(path: first, choice: .option).read() == Array("one".utf8))
        #expect(mode(first) & 0o777 == 0o600)
    }

    @Test func fileAboveTheLimitIsRefusedBeforeItIsInMemory() throws {
        #expect(throws: SettingsError.self) { try SettingsFile(path: "/dev/zero", choice: .option).read() }
    }

    @Test func absentFileIsNoError() throws {
        #expect(try file().read() == nil)
        #expect(try file("config.ini/below").read() == nil)
        #expect(!file().exists)
    }

    @Test func folderAndNameComeFromThePath() {
        let root = SettingsFile(path: "/config.ini", choice: .option)

        #expect(file().folder == folder.path)
        #expect(file().name == "config.ini")
        #expect(root.folder == "/")
    }
}
