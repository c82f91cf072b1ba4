// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Credentials
import FastChat
import FoundationEssentials
import JSON
import MTP
import Messenger
import NIOCore
import Skaro
import TestClient
import Testing

/// Strangers and people who do not read, drip, flood or never log in: none of them takes the server's memory.
@Suite(.timeLimit(.minutes(15)), .serialized) struct MemoryTests {
    /// The resident memory of a server, now and at its highest since this value was made.
    private struct Memory {
        let process: ChildProcess
        let before: Int

        init(of server: RunningServer) throws {
            process = server.process
            // From here on the highest is counted anew.
            try Data("5".utf8).write(to: URL(filePath: "/proc/\(process.pid)/clear_refs"))
            before = try Self.kibibytes("VmRSS", of: process)
        }

        /// By how many MiB it was more than at the beginning.
        var growth: Int {
            get throws { (try Self.kibibytes("VmHWM", of: process) - before) / 1024 }
        }

        private static func kibibytes(_ name: String, of process: ChildProcess) throws -> Int {
            let status = try String(
                decoding: Data(contentsOf: URL(filePath: "/proc/\(process.pid)/status")), as: UTF8.self)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name + ":") })
            return try #require(line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) })
        }
    }

    /// What a flood sends at most: it ends with the connection.
    private static let floodBytes = 1 << 40
    private static let peers = 8
    /// Beside what is kept for a peer there is the room that the allocator does not give back.
    private static let ceiling = 96
    /// Of the database, what the connection that writes keeps: it fills while much is written.
    private static let pageCache = 64

    enum Face: String, CaseIterable {
        case mtp = "MTP"
        case skaro, messenger
        case fastChat = "FastChat"
    }

    private func serving(
        _ settings: [String: String] = [:],
        _ body: (_ server: RunningServer, _ port: (Face) async throws -> Int) async throws -> Void
    ) async throws {
        try await Program.with { program in
            program["PARLEY_SERVER_LIMIT_WRITE_TIMEOUT"] = "1s"
            program["PARLEY_SERVER_LIMIT_LOGIN_TIMEOUT"] = "3s"
            for (name, value) in settings { program[name] = value }
            let server = try await program.startServer()
            try await body(server) { try await Self.port(of: $0, on: server) }
            await server.stop()
        }
    }

    private static func port(of face: Face, on server: RunningServer) async throws -> Int {
        switch face {
        case .mtp, .skaro: try ClientAddress(url: server.httpURL).port
        case .messenger, .fastChat: try await server.port(of: face.rawValue)
        }
    }

    /// A binary or text frame of a WebSocket.
    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        Array(buffer: WebSocketFrameBytes(opcode: opcode).encoded(payload))
    }

    /// What opens a connection, and a request that costs more to answer than to send.
    private func attack(_ face: Face) -> (opening: [UInt8], request: [UInt8]) {
        switch face {
        case .mtp: return (HostilePeer.handshake("/ws"), Self.frame(1, Array("{".utf8)))
        case .skaro:
            let call: [UInt8] =
                [0xA2, 0x64] + Array("type".utf8) + [0x6D] + Array("register_type".utf8) + [0x62] + Array("id".utf8)
                + [0x01]
            return (HostilePeer.handshake("/skaro"), Self.frame(2, call))
        case .messenger: return ([], [3, 1, 2, 3, 4])
        case .fastChat: return ([], Array(#"{"type":"pubkey","dest":7,"from":7}"#.utf8))
        }
    }

    /// Before: 40 MiB of unread requests were 1,249 MiB of answers.
    @Test(arguments: Face.allCases) func whoFloodsAndReadsNothingTakesNoMemory(_ face: Face) async throws {
        try await serving { server, port in
            let port = try await port(face)
            let (opening, request) = attack(face)
            let requests = Array(repeatElement(request, count: 1000).joined())
            let memory = try Memory(of: server)

            try await flood(port, Array(repeating: opening, count: Self.peers), requests)

            #expect(try memory.growth < Self.ceiling)
            #expect(try await Person("after the flood", on: server).ping() == 200)
        }
    }

    /// Each sends nearly a whole message, and then a byte now and then: that keeps nobody connected.
    @Test(arguments: Face.allCases) func whoDripsAndNeverLogsInIsSentAway(_ face: Face) async throws {
        try await serving { server, port in
            let port = try await port(face)
            let memory = try Memory(of: server)
            let opening = attack(face).opening
            let piece: [UInt8]
            switch face {
            case .mtp, .skaro:
                let part = WebSocketFrameBytes(opcode: face == .mtp ? 1 : 2, statedLength: 60_000)
                piece = Array(buffer: part.encoded([UInt8](repeating: 0x20, count: 59_000)))
            case .messenger: piece = [4] + [UInt8](repeating: 0x20, count: 59_000)
            case .fastChat: piece = Array("{".utf8) + [UInt8](repeating: 0x20, count: 59_000)
            }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        let peer = try HostilePeer(port: port)
                        _ = try await peer.flood(opening + piece, upTo: opening.count + piece.count)
                        try await peer.drip()
                    }
                }
                try await group.waitForAll()
            }

            #expect(try memory.growth < Self.ceiling)
            #expect(try await Person("after them", on: server).ping() == 200)
        }
    }

    /// Messages without an end: 2.5 GiB in all, if they were kept.
    @Test(arguments: Face.allCases) func whoNeverEndsAMessageTakesNoMemory(_ face: Face) async throws {
        try await serving { server, port in
            let port = try await port(face)
            let memory = try Memory(of: server)
            let beginning: [UInt8]
            switch face {
            case .mtp, .skaro:
                let part = WebSocketFrameBytes(opcode: face == .mtp ? 1 : 2, statedLength: 64 << 20)
                beginning = attack(face).opening + Array(buffer: part.encoded([0x20]))
            case .messenger: beginning = [4]
            case .fastChat: beginning = Array("{".utf8)
            }
            let rest = [UInt8](repeating: 0x20, count: 1 << 16)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        let peer = try HostilePeer(port: port)
                        _ = try await peer.flood(beginning, upTo: beginning.count)
                        _ = try await peer.flood(rest, upTo: 64 << 20)
                    }
                }
                try await group.waitForAll()
            }

            #expect(try memory.growth < Self.ceiling)
            #expect(try await Person("after them", on: server).ping() == 200)
        }
    }

    /// Pages of five megabytes, asked for again and again by people who do not read one of them.
    @Test func pagesThatNobodyReadsTakeNoMemory() async throws {
        try await serving { server, port in
            let port = try await port(.mtp)
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            let text = String(repeating: "x", count: 60_000)
            for _ in 0..<80 { try #require(await alice.say(text, in: flow) == 200) }
            let request = MTPRequest.allMessages(as: alice.credentials, flow: flow, start: 0, end: 100).encoded()
            let frame = Array(buffer: WebSocketFrameBytes(opcode: 1).encoded(request))
            let requests = Array(repeatElement(frame, count: 40).joined())
            let memory = try Memory(of: server)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.peers {
                    group.addTask {
                        let peer = try HostilePeer(port: port)
                        _ = try await peer.flood(HostilePeer.handshake("/ws") + requests, upTo: 1)
                        try await peer.isCut()
                    }
                }
                try await group.waitForAll()
            }

            // Eight pages of five megabytes for the readers, and as they are read and encoded; not 320.
            #expect(try memory.growth < 400)
            #expect(try await alice.ping() == 200)
        }
    }

    /// The same with skaro, for as long as the server takes requests.
    @Test func historyThatNobodyReadsTakesNoMemory() async throws {
        try await serving { server, port in
            let port = try await port(.skaro)
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            let text = String(repeating: "x", count: 60_000)
            for _ in 0..<80 { try #require(await alice.say(text, in: flow) == 200) }
            func frame(_ call: SkaroCall) -> [UInt8] {
                Array(buffer: WebSocketFrameBytes(opcode: 2).encoded(call.encoded(id: .int(1))))
            }
            var openings: [[UInt8]] = []
            for _ in 0..<Self.peers {
                let client = try await server.skaro()
                let sid = try await client.authorize(login: "alice", password: "a password")
                await client.close()
                openings.append(HostilePeer.handshake("/skaro") + frame(.sessionRestore(sid: sid)))
            }
            let requests = Array(
                repeatElement(frame(.getHistory(dialog: flow, before: nil, limit: nil)), count: 40).joined())
            let memory = try Memory(of: server)

            try await flood(port, openings, requests)

            #expect(try memory.growth < 400)
            #expect(try await alice.ping() == 200)
        }
    }

    /// Lists of ten kilobytes, asked for in five bytes each.
    @Test func listsThatNobodyReadsTakeNoMemory() async throws {
        try await serving(["PARLEY_MESSENGER_KEY_ANY_CONNECTION": "on"]) { server, port in
            let port = try await port(.messenger)
            let alice = try await Person("alice", on: server)
            let owner = try await server.messenger()
            try await owner.logIn("alice", password: "a password")
            for number in 0..<50 {
                let login = "\(number)" + String(repeating: "x", count: 200)
                _ = try await alice.client.register(login: login, password: "a password")
                _ = try await owner.add(login)
            }
            let key = try #require(owner.key)
            let requests = Array(repeatElement(MessengerRequest.contacts(key).encoded(), count: 1000).joined())
            let memory = try Memory(of: server)

            try await flood(port, Array(repeating: [], count: Self.peers), requests)

            #expect(try memory.growth < Self.ceiling)
            #expect(try await alice.ping() == 200)
        }
    }

    /// Members of a group are logged in and read nothing while others write 160 MB into it.
    ///
    /// About OUTBOUND_BYTES are kept for each, and the rest stays in the log. None of them is cut meanwhile.
    @Test(arguments: Face.allCases) func pushesThatNobodyReadsTakeNoMemory(_ face: Face) async throws {
        try await Program.with { program in
            program["PARLEY_SERVER_LIMIT_WRITE_TIMEOUT"] = "3600s"
            program["PARLEY_RATE_LIMIT_ENABLED"] = "off"
            let server = try await program.startServer()
            let port = try await Self.port(of: face, on: server)
            let sign = face == .fastChat ? try await program.fastChatSign(port: port) : ""
            let (uuid, openings) = try await logIns(face, port, sign: sign, on: server)
            let alice = try await Person("alice", on: server)
            let answer = try await alice.client.request(
                .addFlow(as: alice.credentials, type: "group", title: "A group", users: [uuid]))
            let flow = try #require(answer.data?.flow?.first?.uuid?.description)
            var writers = [alice]
            for _ in 1..<8 { writers.append(try await Person(alice.credentials, on: server)) }
            for writer in writers { try #require(await writer.ping() == 200) }
            // Whoever writes has not asked for pushes.
            func areAllListening() async throws -> Bool {
                try await Scrape(server)("parley_subscribers") == Double(Self.peers)
            }
            let memory = try Memory(of: server)

            try await whileNobodyReads(port, openings) {
                let end = ContinuousClock.now + .seconds(60)
                while try await !areAllListening() { try #require(ContinuousClock.now < end) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in writers {
                        group.addTask {
                            let text = String(repeating: "x", count: 8000)
                            for _ in 0..<2500 { try #require(await writer.say(text, in: flow) == 200) }
                        }
                    }
                    try await group.waitForAll()
                }

                let growth = try memory.growth
                #expect(growth < Self.ceiling + Self.pageCache, "it grew by \(growth) MiB")
                #expect(try await areAllListening())
            }
            #expect(try await alice.ping() == 200)
            await server.stop()
        }
    }

    /// Makes an account; what logs it in on each of so many connections, and its uuid.
    private func logIns(
        _ face: Face, _ port: Int, sign: String, on server: RunningServer
    ) async throws -> (uuid: String, openings: [[UInt8]]) {
        let (login, number, password) = ("7", FastChatUserNumber(7), "a password")
        if face == .fastChat {
            let client = try await FastChatClient.connect(host: "127.0.0.1", port: port)
            try await client.register(number, password: password, key: RSAPrivateKey(newBits: 1024), sign: sign)
            await client.close()
        } else {
            await (try await Person(login, on: server, password: password)).client.close()
        }
        let client = try await MTPClient.connect(url: server.url)
        let credentials = try await client.authenticate(login: login, password: password)
        await client.close()
        var openings: [[UInt8]] = []
        for _ in 0..<Self.peers {
            switch face {
            case .mtp:
                let request = MTPRequest.pingPong(as: credentials, push: true)
                openings.append(HostilePeer.handshake("/ws") + Self.frame(1, request.encoded()))
            case .skaro:
                let client = try await server.skaro()
                let sid = try await client.authorize(login: login, password: password)
                await client.close()
                let call = SkaroCall.sessionRestore(sid: sid).encoded(id: .int(1))
                openings.append(HostilePeer.handshake("/skaro") + Self.frame(2, call))
            case .messenger: openings.append(MessengerRequest.logIn(login: login, password: password).encoded())
            case .fastChat: openings.append(FastChatRequest.logIn(number, password: password, sign: sign).encoded())
            }
        }
        return (credentials.uuid, openings)
    }

    /// Peers that send this, one each, and read nothing until `body` is over.
    private func whileNobodyReads(
        _ port: Int, _ openings: [[UInt8]], _ body: () async throws -> Void
    ) async throws {
        let peers = try openings.map { _ in try HostilePeer(port: port) }
        for (peer, opening) in zip(peers, openings) { _ = try await peer.flood(opening, upTo: opening.count) }
        try await body()
        withExtendedLifetime(peers) {}
    }

    /// Peers that log in, ask until the server ends the connection, and read nothing.
    private func flood(_ port: Int, _ openings: [[UInt8]], _ requests: [UInt8]) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for opening in openings {
                group.addTask {
                    let peer = try HostilePeer(port: port)
                    if !opening.isEmpty { _ = try await peer.flood(opening, upTo: opening.count) }
                    return try await peer.flood(requests, upTo: Self.floodBytes)
                }
            }
            for try await isEnded in group { #expect(isEnded, "the server took it all") }
        }
    }
}

extension HostilePeer {
    /// Sends a byte now and then until the server has ended the connection.
    func drip() async throws {
        while try await !flood([0x20], upTo: 1) { try await Task.sleep(for: .milliseconds(50)) }
    }

    /// Waits until the server has ended the connection without reading what it sent: sends until that fails.
    func isCut() async throws {
        let ping = Array(buffer: WebSocketFrameBytes(opcode: 9).encoded([]))
        while try await !flood(ping, upTo: 1) {}
    }
}
