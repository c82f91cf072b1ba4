// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import MTP
import Testing

/// The disk or the system runs out of something, or fails, under the running server.
@Suite(.timeLimit(.minutes(10)))
struct DiskFaultTests {
    /// File systems and other processes' system calls are for root.
    private static let isRoot = getuid() == 0

    @Test(.enabled(if: isRoot)) func aFullDiskRefusesAndHeals() async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            let disk = program.path("disk")
            _ = try await program.run(["/usr/bin/mkdir", disk])
            program["PARLEY_DATABASE_URI"] = "sqlite:\(disk)/parley.db"
            // A small disk that only the server sees.
            let server = try await program.startServer(tracer: [
                "/usr/bin/unshare", "--mount", "/usr/bin/sh", "-c",
                "mount -t tmpfs -o size=3m tmpfs '\(disk)' && exec \"$@\"", "sh",
            ])
            let inside = ["/usr/bin/nsenter", "--target", "\(server.process.pid)", "--mount"]
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("before", in: flow) == 200)

            let filling = try await program.run(inside + ["/usr/bin/dd", "if=/dev/zero", "of=\(disk)/filling"])
            #expect(filling.errors.contains("No space left"))
            var texts = ["before"]
            var refused = 0
            for number in 0..<200 where refused < 3 {
                let text = "\(number) " + String(repeating: "x", count: 20_000)
                switch try await alice.say(text, in: flow) {
                case 200: texts.append(text)
                case 503: refused += 1
                case let code: Issue.record("answered with \(code)")
                }
            }
            #expect(refused == 3)
            #expect(try await alice.ping() == 200)
            _ = try await program.run(inside + ["/usr/bin/rm", "\(disk)/filling"])

            #expect(try await alice.say("after", in: flow) == 200)
            texts.append("after")
            #expect(try await alice.messages(of: flow).map { $0.text?.string } == texts)
            await server.stop()
        }
    }

    @Test(.enabled(if: isRoot)) func aFailedFlushEndsTheServer() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("before", in: flow) == 200)

            let tracer = try await program.start([
                "/usr/bin/strace", "-f", "-p", "\(server.process.pid)", "-e", "trace=fsync,fdatasync",
                "-e", "inject=fsync,fdatasync:error=EIO",
            ])
            try #require(await tracer.errors.line { $0.contains("attached") } != nil)
            let code = try? await alice.say("during", in: flow)

            // It may be there, so it is neither acknowledged nor refused.
            #expect(code == 504 || code == nil)
            #expect(await server.process.ended() == .exited(69), "\(server.process.errors.text)")
            let message = try #require(await server.process.errors.line { $0.hasPrefix("Error: ") })
            #expect(message.contains("disk failed") && message.contains("db_sqlite.db"))
            tracer.send(SIGKILL)
            _ = await tracer.ended()

            let again = try await program.startServer()
            let returned = try await Person(alice.credentials, on: again)
            let texts = try await returned.messages(of: flow).map { $0.text?.string }
            #expect(texts == ["before"] || texts == ["before", "during"])
            #expect(try await returned.say("after", in: flow) == 200)
            await again.stop()
        }
    }

    /// Of 72 the server's own files leave less than the half that is for clients: there is none left to accept with.
    @Test(arguments: [112, 72])
    func withoutDescriptorsTheServerGoesOnAndRecovers(limit: Int) async throws {
        try await Program.with { program in
            let server = try await program.startServer(tracer: ["/usr/bin/prlimit", "--nofile=\(limit):\(limit)"])
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()

            var idle: [RawConnection] = []
            for _ in 0..<100 { if let connection = try? await RawConnection(to: server) { idle.append(connection) } }
            #expect(try await alice.say("during", in: flow) == 200)
            // Half are for other things: who comes after the others is closed, and does not wait for one.
            if limit > 100 { for connection in idle.dropFirst(limit / 2) { await connection.ended() } }
            for connection in idle { await connection.close() }

            // Who comes before the server has seen the others' ends is closed like them.
            var returned: Person?
            while returned == nil {
                try Task.checkCancellation()
                returned = try? await Person(alice.credentials, on: server)
            }
            let back = try #require(returned)
            #expect(try await back.say("after", in: flow) == 200)
            #expect(try await back.messages(of: flow).map { $0.text?.string } == ["during", "after"])
            await server.stop()
        }
    }
}
