// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import Credentials

struct KeyPairFilesTests {
    private let folder: TemporaryFolder
    private let files: KeyPairFiles
    private let key: RSAPrivateKey

    init() throws {
        folder = try TemporaryFolder()
        files = try KeyPairFiles(name: "\(folder.path)/alice")
        key = try RSAPrivateKey(pem: FastChatVectors.old.privateKey)
    }

    private func write(_ key: RSAPrivateKey) throws {
        var random = SecureRandom()
        try files.write(key, using: &random)
    }

    @Test func pairIsWrittenAndReadBack() throws {
        try write(key)

        #expect(folder.names() == ["alice_private.pem", "alice_public.pem"])
        #expect(try folder.mode(of: "alice_private.pem") == 0o600)
        #expect(try folder.mode(of: "alice_public.pem") == 0o644)
        #expect(folder.text("alice_public.pem").hasPrefix("-----BEGIN RSA PUBLIC KEY-----\n"))
        #expect(folder.text("alice_private.pem").hasPrefix("-----BEGIN RSA PRIVATE KEY-----\n"))
        #expect(try files.privateKey()?.pem == key.pem)
        #expect(try files.publicKey() == key.publicKey)
    }

    @Test func filesOfOldClientsAreRead() throws {
        try folder.write(FastChatVectors.old.privateKey, to: "alice_private.pem")

        #expect(try files.publicKey() == key.publicKey)

        try folder.write(FastChatVectors.old.publicKey, to: "alice_public.pem", mode: 0o644)

        #expect(try files.privateKey()?.publicKey == key.publicKey)
    }

    @Test func missingFilesAreNoError() throws {
        #expect(try files.privateKey() == nil)
        #expect(try files.publicKey() == nil)
    }

    @Test func filesAreNeverOverwritten() throws {
        for name in ["alice_private.pem", "alice_public.pem"] {
            let path = try folder.write("mine", to: name)

            let error = try #require(throws: KeyFileError.self) { try write(key) }

            #expect(error.code == .exists)
            #expect(folder.names() == [name])
            #expect(folder.text(name) == "mine")
            #expect(unlink(path) == 0)
        }
    }

    @Test func privateFileThatOthersReadIsRefused() throws {
        try write(key)
        #expect(chmod(files.privatePath, 0o640) == 0)

        let error = try #require(throws: KeyFileError.self) { try files.privateKey() }

        #expect(error.code == .exposed)
        #expect(try files.publicKey() == key.publicKey)
    }

    @Test func damagedAndMixedUpFilesAreRefused() throws {
        try folder.write("-----BEGIN RSA PRIVATE KEY-----\n", to: "alice_private.pem")
        #expect(try #require(throws: KeyFileError.self) { try files.privateKey() }.code == .damaged)

        try folder.write(FastChatVectors.old.privateKey, to: "alice_private.pem")
        try folder.write(FastChatVectors.current.publicKey, to: "alice_public.pem")
        let error = try #require(throws: KeyFileError.self) { try files.privateKey() }
        #expect(error.code == .damaged)
        #expect(error.path == files.publicPath)
        #expect(error.description.contains("does not belong to"))
    }

    @Test(arguments: ["", "a/", "a\u{0}b", String(repeating: "x", count: 4001)]) func nonsenseIsNoName(_ name: String) {
        #expect(throws: KeyFileError.self) { try KeyPairFiles(name: name) }
    }
}
