// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import JSON
import MTP
import TestClient
import Testing

/// Backups and restores pass large attachments through, and hold few of them in memory at a time.
@Suite(.timeLimit(.minutes(10))) struct ArchiveMemoryTests {
    private static let attachments = 64
    private static let attachmentBytes = 3 << 20
    /// What the whole process may take; the attachments have 192 MiB.
    private static let ceiling = 128

    /// A database with attachments that are all different.
    private func fill(_ program: Program) async throws {
        program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
        let server = try await program.startServer()
        let alice = try await Person("alice", on: server)
        let flow = try await alice.makeFlow()
        var bytes = [UInt8](repeating: 0, count: Self.attachmentBytes / 4 * 3)
        let source = try #require(fopen("/dev/urandom", "r"))
        #expect(fread(&bytes, 1, bytes.count, source) == bytes.count)
        fclose(source)
        for number in 0..<Self.attachments {
            bytes[0] = UInt8(number)
            var message = MessageObject(clientID: Int64(number), text: "a picture")
            message.filePicture = JSONText(Data(bytes).base64EncodedString())
            let answer = try await alice.client.request(.sendMessage(as: alice.credentials, flow: flow, message))
            try #require(answer.code == 200)
        }
        await server.stop()
    }

    /// The highest resident memory of a process so far, in MiB.
    private func peak(_ process: ChildProcess) throws -> Int {
        let status = try String(
            decoding: Data(contentsOf: URL(filePath: "/proc/\(process.pid)/status")), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }) / 1024
    }

    private func shell(_ program: Program, _ text: String) async throws -> ChildProcess {
        try await program.start(["/bin/sh", "-c", text])
    }

    @Test func backupAndRestoreHoldFewAttachments() async throws {
        try await Program.with { program in
            try await fill(program)
            for name in ["pipe", "go"] { #expect(mkfifo(program.path(name), 0o600) == 0) }
            try await backUp(program)
            for engine in Engine.available {
                try await engine.prepare(program) {
                    if engine == .sqlite { program["PARLEY_DATABASE_URI"] = "sqlite:there.db" }
                    try await restore(program)
                }
            }
        }
    }

    private func backUp(_ program: Program) async throws {
        // Random bytes as text: three quarters are left of it.
        let most = Self.attachments * Self.attachmentBytes / 10 * 7
        let reader = try await shell(
            program,
            "exec < pipe; head -c \(most) > a.tar.gz; echo taken >&2; cat go; exec cat >> a.tar.gz")
        let backup = try await shell(program, "exec \(Program.path) db backup -q - > pipe")
        #expect(await reader.errors.line { $0 == "taken" } != nil)
        // It waits until more is taken.
        let peak = try peak(backup)
        _ = try await program.run(["/bin/sh", "-c", ": > go"])

        #expect(await backup.ended() == .exited(0), "\(backup.errors.text)")
        #expect(await reader.ended() == .exited(0))
        #expect(peak < Self.ceiling)
    }

    private func restore(_ program: Program) async throws {
        let most = Self.attachments * Self.attachmentBytes / 10 * 7
        let writer = try await shell(
            program,
            "exec > pipe; head -c \(most) a.tar.gz; echo given >&2; cat go; exec tail -c +\(most + 1) a.tar.gz")
        let restore = try await shell(program, "exec \(Program.path) db restore -q - < pipe")
        #expect(await writer.errors.line { $0 == "given" } != nil)
        // It has taken nearly all attachments, and waits for the others.
        let peak = try peak(restore)
        _ = try await program.run(["/bin/sh", "-c", ": > go"])

        #expect(await restore.ended() == .exited(0), "\(restore.errors.text)")
        #expect(peak < Self.ceiling)
    }
}
