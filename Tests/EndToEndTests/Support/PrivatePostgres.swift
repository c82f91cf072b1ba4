// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

/// A PostgreSQL server of one test's own, which the test may kill, halt and start again.
struct PrivatePostgres: Sendable {
    /// Where PostgreSQL is tested at all.
    static var isAvailable: Bool { Engine.available.contains(.postgres) }

    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Scripts/postgres").path

    private let program: Program
    private let folder: String

    /// Runs `body` with a server on which the program has its database, with its tables unless `isEmpty`.
    static func with(
        _ program: Program, isEmpty: Bool = false, _ body: (PrivatePostgres) async throws -> Void
    ) async throws {
        let state = program.path("postgres")
        let started = try await program.run([script, "start", "--state", state])
        try #require(started.ending == .exited(0), "\(started.errors)")
        let result: Result<Void, any Error>
        do {
            let uri = try #require(started.output.split(separator: "=", maxSplits: 1).last).trimmingSuffix(
                while: \.isWhitespace)
            program["PARLEY_DATABASE_URI"] = String(uri)
            let postgres = PrivatePostgres(
                program: program,
                folder: String(try program.read("postgres/folder").trimmingSuffix(while: \.isWhitespace)))
            if !isEmpty {
                let made = try await program.manage("db", "create")
                try #require(made.ending == .exited(0), "\(made.errors)")
            }
            result = .success(try await body(postgres))
        } catch {
            result = .failure(error)
        }
        // A server that is halted could not stop.
        if let stopped = try? await processes(of: program, in: program.read("postgres/folder")) {
            for pid in stopped { kill(pid, SIGCONT) }
        }
        _ = try await program.run([script, "stop", "--state", state])
        try result.get()
    }

    /// The numbers of all its processes, the one that starts the others first.
    private static func processes(of program: Program, in folder: String) async throws -> [pid_t] {
        let folder = folder.trimmingSuffix(while: \.isWhitespace)
        let file = try await program.run(["/usr/bin/head", "--lines", "1", "\(folder)/data/postmaster.pid"])
        let first = try #require(pid_t(file.output.trimmingSuffix(while: \.isWhitespace)))
        let children = try await program.run(["/usr/bin/ps", "--ppid", "\(first)", "-o", "pid="])
        return [first] + children.output.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    }

    private func signal(_ signal: Int32) async throws {
        for pid in try await Self.processes(of: program, in: folder) { kill(pid, signal) }
    }

    /// Halts all its processes: connections stay, and nothing is answered.
    func halt() async throws {
        // The first signal ends the starting of processes; the second one reaches those that came before it took
        // effect.
        try await signal(SIGSTOP)
        try await signal(SIGSTOP)
    }

    /// Lets halted processes go on.
    func resume() async throws { try await signal(SIGCONT) }

    /// Ends it as a power failure does, apart from what the system had not written yet.
    func killAll() async throws { try await signal(SIGKILL) }

    /// Starts it again; it recovers what it had committed.
    func start() async throws {
        let options = try await program.run(["/usr/bin/cat", "\(folder)/data/postmaster.opts"])
        let server = try #require(options.output.split(separator: " ").first)
        var words = [
            server.dropLast("/postgres".count) + "/pg_ctl", "start", "--silent", "--wait", "--timeout", "60",
            "--pgdata", "\(folder)/data", "--log", "\(folder)/server.log",
        ].map { String($0) }
        if getuid() == 0 { words = ["/usr/sbin/runuser", "--user", "postgres", "--"] + words }
        // As long as a killed process is not quite gone its memory is in use, and a start is refused.
        for _ in 0..<100 {
            if try await program.run(words).ending == .exited(0) { return }
        }
        throw ChildProcess.Failure(description: "PostgreSQL could not be started again")
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var text = String(self)
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return text
    }
}
