// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import Glibc
import JSON
import Storage
import Testing

@testable import ManageCommands

/// `user export`, beside a running server.
struct ExportCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func unpacked(_ name: String, _ member: String) throws -> String {
        let file = try #require(popen("tar -xzOf '\(run.path(name))' '\(member)'", "r"))
        defer { pclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func principal(_ login: String, _ chat: Chat) async throws -> Principal {
        let made = try await run(
            "user", "create", "--login", login, "--password-stdin", "-q", input: "word of \(login)\n")
        #expect(made.status == .done)
        return try await chat.logIn(
            login: login, password: Password("word of \(login)"), from: Origin(protocol: "mtp", address: "192.0.2.7")
        ).principal
    }

    /// Gives the commands a database of an engine of its own around `body`.
    private func withDatabase(on kind: StorageKind, _ body: () async throws -> Void) async throws {
        guard kind == .postgres else { return try await body() }
        try await StorageUnderTest.with(kind, migrated: false) { store in
            try run.write("[DATABASE]\nURI = \(try #require(store.uri))\n", to: "config.ini")
            try await body()
        }
    }

    @Test(arguments: StorageKind.shared) func aPersonGetsAllThatTheyMayRead(on kind: StorageKind) async throws {
        try await withDatabase(on: kind) { try await exportIsWhole() }
        #expect(try await run("user", "export", "alice", "-", "--json").status == .usage)
    }

    private func exportIsWhole() async throws {
        try await RunningServer.during(run) { chat in
            let (alice, bob) = (try await principal("alice", chat), try await principal("bob", chat))
            func send(_ content: MessageContent, _ flow: Identifier, _ principal: Principal) async throws {
                _ = try await chat.receipt(of: chat.submit(content, to: flow, by: principal))
            }
            func group(_ title: String, _ members: [Principal]) async throws -> Identifier {
                try await chat.createFlow(.group, title: title, info: "", members: members.map(\.uuid), by: bob)
                    .record.uuid
            }
            let left = try await group("left", [alice, bob])
            let secret = try await group("secret", [bob])
            let now = try await group("now", [alice, bob])
            try await send(MessageContent(text: "before", files: [.document: "a file"]), left, bob)
            #expect(try await run("flow", "remove-member", "left", "alice").status == .done)
            try await send(MessageContent(text: "afterwards"), left, bob)
            try await send(MessageContent(text: "not for alice"), secret, bob)
            for number in 0..<600 { try await send(MessageContent(text: "number \(number)"), now, alice) }

            let made = try await run("user", "export", "alice", "alice.tar.gz")
            let again = try await run("user", "export", "alice", "alice.tar.gz")
            let nobody = try await run("user", "export", "nobody", "nobody.tar.gz")

            #expect(made.status == .done, "\(made.errors)")
            #expect(
                made.output.hasPrefix(
                    "Wrote 601 messages and 1 file of 2 conversations to \(run.path("alice.tar.gz")) ("))
            #expect(again.status == .exists && nobody.status == .notFound)
            #expect(!run.names().contains { $0.hasPrefix("nobody") })
            let profile = try unpacked("alice.tar.gz", "profile.json")
            #expect(profile.contains(#""login" : "alice""#) && profile.contains(#""address" : "192.0.2.7""#))
            let first = try unpacked("alice.tar.gz", "flows/1/messages-00001.json")
            #expect(first.contains(#""text" : "before""#) && first.contains("flows/1/files/0-file_document"))
            #expect(try unpacked("alice.tar.gz", "flows/1/files/0-file_document") == "a file")
            #expect(try unpacked("alice.tar.gz", "flows/1/flow.json").contains(#""has_left" : true"#))
            #expect(try unpacked("alice.tar.gz", "flows/3/messages-00002.json").contains(#""text" : "number 599""#))
            let all = try unpacked("alice.tar.gz", "flows/1") + first
            #expect(!all.contains("afterwards") && !all.contains("not for alice"))
            var status = stat()
            #expect(stat(run.path("alice.tar.gz"), &status) == 0 && status.st_mode & 0o777 == 0o600)
            let audit = try await run("audit", "list", "--what", "user.export", "--json", "-q")
            #expect(audit.output.contains(#""target":"alice""#), "\(audit.output)")
        }
    }
}
