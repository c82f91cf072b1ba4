// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import Credentials

struct SecretKeyFileTests {
    private let folder: TemporaryFolder
    private let file: SecretKeyFile
    private let line = "\(String(repeating: "01", count: 32)):72cd6e84"

    init() throws {
        folder = try TemporaryFolder()
        file = SecretKeyFile(path: "\(folder.path)/run/secret.key")
    }

    private func sealer(_ file: SecretKeyFile) throws -> Sealer {
        var random = SecureRandom()
        return try file.sealer(using: &random)
    }

    private func seal(_ text: String, with sealer: Sealer) throws -> [UInt8] {
        var random = SecureRandom()
        return try sealer.seal(Array(text.utf8), associatedData: [], using: &random)
    }

    private func failure(_ text: String, mode: mode_t = 0o600) throws -> KeyFileError {
        let file = SecretKeyFile(path: try folder.write(text, to: "given.key", mode: mode))
        return try #require(throws: KeyFileError.self) { try file.existingSealer() }
    }

    @Test func missingFileIsMadeForTheOwnerAlone() throws {
        #expect(try file.existingSealer() == nil)

        let sealed = try seal("secret", with: sealer(file))

        #expect(try folder.mode(of: "run") == 0o700)
        #expect(try folder.mode(of: "run/secret.key") == 0o600)
        #expect(folder.names(in: "run") == ["secret.key"])
        let again = try #require(try file.existingSealer())
        #expect(try again.open(sealed, associatedData: []) == Array("secret".utf8))
    }

    @Test func keyIsWhatTheRandomSourceGave() throws {
        var random = CountingGenerator()

        _ = try file.sealer(using: &random)

        let lines = folder.text("run/secret.key").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == ["000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:630dcd29"])
    }

    @Test func allThatMakeTheFileAtOnceGetTheSameKey() async throws {
        let sealers = try await withThrowingTaskGroup(of: Sealer.self) { group in
            for _ in 0..<32 { group.addTask { try sealer(file) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }

        let sealed = try seal("secret", with: sealers[0])
        for sealer in sealers { #expect(try sealer.open(sealed, associatedData: []) == Array("secret".utf8)) }
        #expect(folder.names(in: "run") == ["secret.key"])
    }

    @Test func oldKeysBehindANewOneOpenWhatTheySealed() throws {
        let old = try seal("old", with: sealer(file))
        let oldText = folder.text("run/secret.key")
        #expect(unlink(file.path) == 0)
        let new = try seal("new", with: sealer(file))

        try folder.write(folder.text("run/secret.key") + oldText, to: "run/secret.key")

        let both = try sealer(file)
        #expect(try both.open(old, associatedData: []) == Array("old".utf8))
        #expect(try both.open(new, associatedData: []) == Array("new".utf8))
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o610, 0o660] as [mode_t]) func fileThatOthersReachIsRefused(
        mode: mode_t
    )
        throws
    {
        let error = try failure(line, mode: mode)

        #expect(error.code == .exposed)
        #expect(error.description.contains("Run chmod 600 on it"))
    }

    @Test func damagedFileIsRefusedWithItsLine() throws {
        let other = line.replacing("0101:", with: "0102:")
        let cases = [
            "# nothing but words\n", "", other, String(line.dropLast()), String(line.dropFirst(2)), line + ":",
            line + " ",
            String(line.dropLast(9)), "\u{0}\u{0}\u{0}\u{0}", "ключ", String(repeating: line + "\n", count: 17),
        ]
        for text in cases { #expect(try failure(text).code == .damaged) }

        let error = try failure("# one\n\(line)\n\(other)\n")
        #expect(error.description.contains("line 3 is no key"))
        #expect(!error.description.contains("0101"))
        #expect(try failure(String(repeating: "#\n", count: 40_000)).description.contains("more than 65536 bytes"))
    }

    @Test func linesOfOtherSystemsAndLargeDigitsAreRead() throws {
        let path = try folder.write("\(line.uppercased())\r\n\r\n", to: "crlf.key")

        #expect(try SecretKeyFile(path: path).existingSealer() != nil)
    }

    @Test func whatIsNoFileIsRefusedWithoutWaiting() throws {
        #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)

        for (path, code) in [
            ("\(folder.path)/pipe", KeyFileError.Code.damaged), (folder.path, .damaged), ("", .badName),
            ("a\u{0}b", .badName), ("\(folder.path)/", .badName), ("\(folder.path)/none/none/key", .uncreatable),
        ] {
            let error = try #require(throws: KeyFileError.self) { try sealer(SecretKeyFile(path: path)) }

            #expect(error.code == code)
        }
    }

    @Test func unreadableFileNamesTheReason() throws {
        let path = try folder.write(line, to: "file")

        let error = try #require(throws: KeyFileError.self) { try SecretKeyFile(path: path + "/key").existingSealer() }

        #expect(error.code == .unreadable)
        #expect(error.errorNumber == ENOTDIR)
        #expect(error.description.contains("Not a directory"))
    }
}
