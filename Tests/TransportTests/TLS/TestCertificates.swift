// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Certificates made by `openssl` in a folder of their own, which is removed with the value.
final class TestCertificates: Sendable {
    struct Failure: Error {
        var arguments: [String]
        var status: Int32
    }

    let folder: String

    /// An authority `ca`, a server `server` for localhost and a client `client`, all elliptic, and a stranger's pair
    /// `other`.
    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = folder.path
        for name in ["ca", "other"] {
            try self.openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).pem")
        }
        for name in ["server", "client"] {
            try self.openssl(
                "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", "\(name).key", "-out", "\(name).csr")
            try self.openssl(
                "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-copy_extensions", "copy", "-out", "\(name).pem")
        }
        try self.openssl("pkey", "-in", "server.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    func file(_ name: String) -> String {
        self.folder + "/" + name
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: self.file(name), atomically: true, encoding: .utf8)
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: self.folder)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(arguments: arguments, status: process.terminationStatus)
        }
    }
}
