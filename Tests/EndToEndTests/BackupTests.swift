// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestClient
import Testing

/// Backups by the real program: through pipes, from one engine into the other, and killed in the middle.
@Suite(.timeLimit(.minutes(10)))
struct BackupTests {
    private static let messages = 20_000

    /// A folder with a database in which much was said.
    private func fill(_ program: Program, messages: Int = messages) async throws {
        program["PARLEY_DATABASE_URI"] = "sqlite:here.db"
        #expect(try await program.manage("db", "create", "-q").ending == .exited(0))
        let seeded = try await program.manage(
            "flow", "seed", "--users", "5", "--flows", "3", "--messages", String(messages), "-q")
        #expect(seeded.ending == .exited(0), "\(seeded.errors)")
    }

    @Test(arguments: Engine.available)
    func aBackupGoesThroughAPipeIntoEitherEngineAndBack(engine: Engine) async throws {
        try await Program.with { program in
            try await fill(program)
            let shell = "\(Program.path) db backup -q - > first.tar.gz"
            #expect(try await program.run(["/bin/sh", "-c", shell]).ending == .exited(0))
            try await engine.prepare(program) {
                if engine == .sqlite { program["PARLEY_DATABASE_URI"] = "sqlite:there.db" }
                let restore = "\(Program.path) db restore -q - < first.tar.gz"
                let restored = try await program.run(["/bin/sh", "-c", restore])
                #expect(restored.ending == .exited(0), "\(restored.errors)")
                #expect(try await program.manage("db", "backup", "-q", "second.tar.gz").ending == .exited(0))
            }

            // Everything but what says where and when is the same, to the byte, for other programs, too.
            let compare = """
                mkdir a b && tar -xzf first.tar.gz -C a && tar -xzf second.tar.gz -C b && diff -r a/tables b/tables
                """
            let compared = try await program.run(["/bin/sh", "-c", compare])
            #expect(compared.ending == .exited(0), "\(compared.output)\(compared.errors)")
            let lines = try await program.run(["/bin/sh", "-c", "cat a/tables/events/*.jsonl | wc -l"])
            #expect((Int(lines.output.filter(\.isNumber)) ?? 0) >= Self.messages)
        }
    }

    /// How many accounts there are; none where there is no database.
    private static func countUsers(_ program: Program) async throws -> Int {
        let status = try await program.manage("db", "status", "--json")
        guard status.ending == .exited(0) else { return 0 }
        return try JSONValue.parse(Array(status.output.utf8))["counts"]?["users"]?.int.map { Int($0) } ?? 0
    }

    /// Killed at some moment, a restore has done nothing or everything; a second one then does the rest.
    @Test(arguments: Engine.available)
    func aRestoreThatIsKilledLeavesNothing(engine: Engine) async throws {
        try await Program.with { program in
            try await fill(program)
            #expect(try await program.manage("db", "backup", "-q", "a.tar.gz").ending == .exited(0))
            let listed = try await program.manage("user", "list", "-q")
            try await engine.prepare(program) {
                if engine == .sqlite { program["PARLEY_DATABASE_URI"] = "sqlite:there.db" }
                // A pipe that ends in the middle of the rows, and then waits: the rows before it have been sent.
                let size = try await program.run(["/usr/bin/stat", "-c", "%s", "a.tar.gz"])
                let half = (Int(size.output.filter(\.isNumber)) ?? 0) / 2
                #expect(mkfifo(program.path("pipe"), 0o600) == 0)
                let writer = try await program.start(
                    ["/bin/sh", "-c", "exec > pipe; head -c \(half) a.tar.gz; echo sent >&2; exec sleep 600"])
                let reader = try await program.start(
                    ["/bin/sh", "-c", "exec \(Program.path) db restore -q - < pipe"])
                _ = await writer.errors.line { $0 == "sent" }
                reader.send(SIGKILL)
                #expect(await reader.ended() == .killed(signal: SIGKILL))
                writer.send(SIGKILL)

                #expect(try await Self.countUsers(program) == 0)
                let users = try await program.manage("user", "list", "--json")
                #expect(!users.output.contains("seed"), "\(users.output)")
                let again = try await program.manage("db", "restore", "-q", "a.tar.gz")
                #expect(again.ending == .exited(0), "\(again.errors)")
                #expect(try await Self.countUsers(program) > 0)
                #expect(try await program.manage("user", "list", "-q").output == listed.output)
            }
        }
    }

    /// On a disk without room the log, the metric and `doctor` say so, until a backup was made, in whatever way.
    @Test(.enabled(if: getuid() == 0)) func aBackupThatFailsIsSaidUntilOneWasMade() async throws {
        try await Program.with { program in
            try await fill(program)
            #expect(mkdir(program.path("backup"), 0o700) == 0)
            program["PARLEY_BACKUP_SCHEDULE"] = "daily 03:30"
            // A small disk that only the server sees.
            let server = try await program.startServer(tracer: [
                "/usr/bin/unshare", "--mount", "/usr/bin/sh", "-c",
                "mount -t tmpfs -o size=16k tmpfs backup && exec \"$@\"", "sh",
            ])
            let inside = ["/usr/bin/nsenter", "--target", "\(server.process.pid)", "--mount", "--wd=\(program.folder)"]

            let line = await server.process.errors.line { $0.contains("The backup failed") }
            #expect(line?.contains("No space left") == true, "\(line ?? "")")
            #expect(try await scraped("parley_backup_failed", from: server) == "1")
            let full = try await program.run(inside + [Program.path, "doctor", "--json"])
            #expect(full.ending == .exited(3))
            #expect(full.output.contains(#""id" : "disk-full""#), "\(full.output)")
            #expect(full.output.contains(#""id" : "backup-missing""#))

            let room = try await program.run(inside + ["/usr/bin/mount", "-o", "remount,size=64m", "backup"])
            #expect(room.ending == .exited(0), "\(room.errors)")
            let made = try await program.run(
                inside + [Program.path, "db", "backup", "-q", "backup/parley-20260101-000000.tar.gz"])
            #expect(made.ending == .exited(0), "\(made.errors)")
            while try await scraped("parley_backup_failed", from: server) != "0" { await Task.yield() }
            let whole = try await program.run(inside + [Program.path, "doctor", "--json"])
            #expect(!whole.output.contains("backup-"), "\(whole.output)")
            await server.stop()
        }
    }

    /// The value of a metric.
    private func scraped(_ name: String, from server: RunningServer) async throws -> String? {
        let line = try #require(await server.process.errors.line { $0.contains("Metrics are served") })
        let url = try #require(line.split { " =\"".contains($0) }.first { $0.hasPrefix("http://") })
        let lines = try await HTTPClient.get(String(url)).text.split(separator: "\n")
        return lines.first { $0.hasPrefix("\(name) ") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    /// The server makes one at its start when one is due, and keeps as many as it is told.
    @Test func theServerMakesBackupsByItself() async throws {
        try await Program.with { program in
            try await fill(program, messages: 10)
            #expect(mkdir(program.path("backup"), 0o700) == 0)
            for day in 1...3 { try program.write("x", to: "backup/parley-2020010\(day)-000000.tar.gz") }
            #expect(
                try await program.run(["/bin/sh", "-c", "touch -d 2020-01-03 backup/*"]).ending == .exited(0))
            program["PARLEY_BACKUP_SCHEDULE"] = "daily 03:30"
            program["PARLEY_BACKUP_KEEP"] = "2"
            let server = try await program.startServer()
            let line = await server.process.errors.line { $0.contains("A backup was made and verified") }
            #expect(line != nil)
            await server.stop()

            let names = program.names(in: "backup")
            #expect(names.count == 2 && names[0] == "parley-20200103-000000.tar.gz", "\(names)")
            let verified = try await program.manage("backup", "verify", "backup/\(names[1])")
            #expect(verified.ending == .exited(0), "\(verified.errors)")
        }
    }

    /// One that was made while the clock was ahead is neither the newest nor a reason to make none.
    @Test func aBackupFromTheFutureIsNotMeasured() async throws {
        try await Program.with { program in
            try await fill(program, messages: 10)
            #expect(mkdir(program.path("backup"), 0o700) == 0)
            try program.write("ahead", to: "backup/parley-20990101-000000.tar.gz")
            program["PARLEY_BACKUP_SCHEDULE"] = "daily 03:30"
            let metric = "parley_backup_timestamp_seconds"
            let begin = time(nil)
            let server = try await program.startServer()

            #expect(try await scraped(metric, from: server) == nil)
            #expect(await server.process.errors.line { $0.contains("A backup was made and verified") } != nil)
            let value = try #require(try await scraped(metric, from: server).flatMap { Double($0) })

            #expect((Double(begin)...Double(time(nil))).contains(value))
            #expect(program.names(in: "backup").count == 2)
            await server.stop()
        }
    }
}
