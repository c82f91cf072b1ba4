// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import MTP
import Skaro
import Synchronization
import TestClient
import Testing

/// `user delete --erase` on the real program, killed in the middle: what was erased is gone for clients, and a second
/// run does the rest.
@Suite(.timeLimit(.minutes(10)))
struct EraseTests {
    private static let messages = 1500
    private static let pageSize = 1000
    private static let password = "a password"
    private static let erased = "Message deleted"

    private struct Scene {
        let reader: MTPCredentials
        let flow: String
        /// How many messages of the account that goes are there.
        let written: Int
    }

    /// A group in which `writer` wrote a lot, and `reader` something at both ends.
    private func fill(_ server: RunningServer) async throws -> Scene {
        let reader = try await Person("reader", on: server, password: Self.password)
        let flow = try await reader.makeFlow()
        try #require(await reader.say("reader begins", in: flow) == 200)
        let writer = try await Person("writer", on: server, password: Self.password)
        let stream = JudgedStream(name: "secret", credentials: writer.credentials, flow: flow, depth: 16)
        let count = Atomic(0)
        try await stream.send(to: server.url) {
            if count.add(1, ordering: .relaxed).newValue == Self.messages { stream.end() }
        }
        #expect(stream.problems == [])
        try #require(await reader.say("reader ends", in: flow) == 200)
        return Scene(reader: reader.credentials, flow: flow, written: stream.verdicts.count)
    }

    /// What the reader sees over MTP, which is whole: every number once, and no text but those that were written.
    private func texts(_ scene: Scene, on server: RunningServer) async throws -> [String] {
        let reader = try await Person(scene.reader, on: server)
        let texts = try await reader.messages(of: scene.flow, pageSize: Self.pageSize).map { $0.text?.string ?? "" }
        #expect(texts.count == scene.written + 2)
        #expect(texts.first == "reader begins" && texts.last == "reader ends")
        for text in texts.dropFirst().dropLast() { #expect(text == Self.erased || text.hasPrefix("secret ")) }
        return Array(texts.dropFirst().dropLast())
    }

    /// The newest messages as skaro shows them.
    private func skaroTexts(_ scene: Scene, on server: RunningServer) async throws -> [String] {
        let client = try await server.skaro()
        try await client.authorize(login: "reader", password: Self.password)
        let answer = try await client.request(
            .getHistory(dialog: scene.flow, before: nil, limit: Self.pageSize))
        await client.close()
        return try #require(answer.history).map(\.body)
    }

    /// Everything is gone, for clients and for the operator, and the server has nothing to say against it.
    private func checkNothingIsLeft(_ scene: Scene, _ program: Program) async throws {
        let server = try await program.startServer()
        #expect(try await Set(texts(scene, on: server)) == [Self.erased])
        let skaro = try await skaroTexts(scene, on: server)
        #expect(skaro.last == "reader ends" && skaro.count == Self.pageSize)
        #expect(Set(skaro.dropLast()) == [Self.erased])
        await server.stop()
        let found = try await program.manage("message", "search", "secret", "--json")
        #expect(!found.output.contains("secret "), "\(found.output)")
        let account = try await program.manage("user", "show", "writer")
        #expect(account.ending == .exited(6), "\(account.output)\(account.errors)")
        let checked = try await program.manage("db", "check")
        #expect(checked.ending == .exited(0), "\(checked.output)\(checked.errors)")
    }

    /// As operations.md says: the account is locked out, some messages are gone, none is torn.
    private func checkIsHalfDone(_ scene: Scene, _ program: Program) async throws {
        let server = try await program.startServer()
        let rest = try await texts(scene, on: server)
        #expect(rest.contains(Self.erased) && rest.contains { $0.hasPrefix("secret ") })
        let refusal = await #expect(throws: MTPClientRefusal.self) {
            let client = try await MTPClient.connect(url: server.url)
            _ = try await client.authenticate(login: "writer", password: Self.password)
        }
        #expect(refusal?.code == 401)
        await server.stop()
    }

    private func eraseTheRest(_ scene: Scene, _ program: Program) async throws {
        let again = try await program.manage("user", "delete", "writer", "--erase", "--yes", "--json")
        #expect(again.ending == .exited(0), "\(again.errors)")
        let erased = again.output.firstMatch(of: /"messages"\s*:\s*(\d+)/).flatMap { Int($0.1) } ?? 0
        #expect(erased > 0 && erased < scene.written)
    }

    /// The server dies when a client has been told of a part of the messages.
    @Test(arguments: Engine.available)
    func aServerThatIsKilledWhileItErasesContinuesLater(engine: Engine) async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            program["PARLEY_SERVER_LIMIT_MESSAGES"] = String(Self.pageSize)
            try await engine.prepare(program) {
                let server = try await program.startServer()
                let scene = try await fill(server)
                let watcher = try await Person(scene.reader, on: server)
                let answer = try await watcher.client.request(
                    .getUpdate(as: scene.reader, time: 0, push: true))
                #expect(answer.isSuccess)

                let command = try await program.start(
                    [Program.path, "user", "delete", "writer", "--erase", "--yes", "-q"])
                var told = 0
                for await push in watcher.client.pushes {
                    told += push.data?.message?.count { $0.text?.string == Self.erased } ?? 0
                    if told >= Self.messages / 10 { server.process.send(SIGKILL) }
                }
                #expect(told >= Self.messages / 10 && told < scene.written)
                #expect(await server.process.ended() == .killed(signal: SIGKILL))
                #expect(await command.ended() != .exited(0))

                try await checkIsHalfDone(scene, program)
                try await eraseTheRest(scene, program)
                try await checkNothingIsLeft(scene, program)
            }
        }
    }

    /// The command itself dies, which works on the file when no server runs: at one of its commits.
    @Test func aCommandThatIsKilledWhileItErasesContinuesLater() async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            program["PARLEY_SERVER_LIMIT_MESSAGES"] = String(Self.pageSize)
            let server = try await program.startServer()
            let scene = try await fill(server)
            await server.stop()

            let killed = try await program.run([
                "/usr/bin/strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
                "-e", "inject=fdatasync,fsync:signal=SIGKILL:when=7", Program.path, "user", "delete", "writer",
                "--erase", "--yes",
            ])

            #expect(killed.ending == .killed(signal: SIGKILL), "\(killed.errors)")
            try await checkIsHalfDone(scene, program)
            try await eraseTheRest(scene, program)
            try await checkNothingIsLeft(scene, program)
        }
    }
}
