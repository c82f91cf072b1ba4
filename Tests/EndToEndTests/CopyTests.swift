// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// `db copy` by the real program from SQLite to PostgreSQL and back, killed again and again and continued.
@Suite(.timeLimit(.minutes(60)), .enabled(if: Engine.available.contains(.postgres)))
struct CopyTests {
    /// How many are copied; docs/performance.md has a million.
    private static let messages =
        getenv("PARLEY_TEST_COPY_MESSAGES").flatMap { Int(String(cString: $0)) } ?? 30_000

    @Test func killedCopiesContinueToTheOtherEngineAndBack() async throws {
        try await Program.with { program in
            program["PARLEY_DATABASE_URI"] = "sqlite:here.db"
            #expect(try await program.manage("db", "create", "-q").ending == .exited(0))
            let seeded = try await program.manage(
                "flow", "seed", "--users", "20", "--flows", "10", "--messages", "\(Self.messages)", "-q")
            #expect(seeded.ending == .exited(0), "\(seeded.errors)")
            #expect(try await program.manage("db", "backup", "-q", "first.tar.gz").ending == .exited(0))

            try await Engine.postgres.prepare(program) {
                let postgres = try #require(program["PARLEY_DATABASE_URI"])
                program["PARLEY_DATABASE_URI"] = "sqlite:here.db"
                let there = try await copy(program, to: postgres, dyingAt: "sendto", then: { $0 * 2 })
                program["PARLEY_DATABASE_URI"] = postgres
                let back = try await copy(program, to: "sqlite:back.db", dyingAt: "fdatasync,fsync", then: { $0 + 1 })

                #expect(there >= 2 && back >= 2, "killed in the middle \(there) and \(back) times")
            }

            program["PARLEY_DATABASE_URI"] = "sqlite:back.db"
            #expect(try await program.manage("db", "check").ending == .exited(0))
            #expect(try await program.manage("db", "backup", "-q", "second.tar.gz").ending == .exited(0))
            let compare = """
                mkdir a b && tar -xzf first.tar.gz -C a && tar -xzf second.tar.gz -C b && diff -rq a/tables b/tables &&
                cat b/tables/events/*.jsonl | wc -l
                """
            let compared = try await program.run(["/bin/sh", "-c", compare])
            #expect(compared.ending == .exited(0), "\(compared.output)\(compared.errors)")
            #expect((Int(compared.output.filter(\.isNumber)) ?? 0) >= Self.messages)
        }
    }

    /// Runs a copy that dies at one of its system calls, at the eighth and then later each time, until one comes to its
    /// end.
    ///
    /// - Returns: How many of them left a copy that is not whole.
    private func copy(
        _ program: Program, to target: String, dyingAt call: String, then next: (Int) -> Int
    ) async throws -> Int {
        var kills = 0
        var moment = 8
        while true {
            let run = try await program.run(
                [
                    "/usr/bin/strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                    "inject=\(call):signal=SIGKILL:when=\(moment)", Program.path, "db", "copy", "--to-stdin",
                ], input: target)
            moment = next(moment)
            // PostgreSQL has not noticed yet that the last one is gone.
            if run.ending == .exited(75) { continue }
            guard run.ending == .killed(signal: SIGKILL) else {
                #expect(run.ending == .exited(0), "\(run.errors)")
                // The last one that was killed may have come to its end before.
                let isWhole = ["Continued and finished the copy", "The copy is complete already"].contains {
                    run.output.hasPrefix($0)
                }
                #expect(isWhole, "\(run.output)")
                return kills
            }
            if try await isUnfinished(program, target) { kills += 1 }
        }
    }

    /// Whether a killed copy left something to continue; then no server takes it for a database.
    private func isUnfinished(_ program: Program, _ target: String) async throws -> Bool {
        var plan = try await program.run([Program.path, "db", "copy", "--to-stdin", "--dry-run"], input: target)
        while plan.ending == .exited(75) {
            plan = try await program.run([Program.path, "db", "copy", "--to-stdin", "--dry-run"], input: target)
        }
        #expect(plan.ending == .exited(0), "\(plan.errors)")
        guard plan.output.contains("An unfinished copy would be continued") else { return false }
        let source = program["PARLEY_DATABASE_URI"]
        program["PARLEY_DATABASE_URI"] = target
        let server = try await program.manage("runserver")
        program["PARLEY_DATABASE_URI"] = source
        #expect(server.ending == .exited(69), "\(server.output)")
        #expect(server.errors.contains("copy"), "\(server.errors)")
        return true
    }
}
