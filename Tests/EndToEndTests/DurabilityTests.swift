// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import TestClient
import Testing

/// Acknowledged means on the disk, not only in the system's memory: the order of the server's system calls shows it.
@Suite(.timeLimit(.minutes(10)))
struct DurabilityTests {
    private static let connections = 8
    private static let depth = 8

    @Test func answersLeaveAfterTheWriteAheadLogIsOnTheDisk() async throws {
        try await Program.with { program in
            let server = try await program.startServer(tracer: [
                "/usr/bin/strace", "-D", "-f", "-y", "-s", "65536", "-o", program.path("trace"),
                "-e", "trace=fdatasync,fsync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg",
            ])
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            let single: Int64 = 770_000_001
            let burst = (0..<Int64(Self.connections * Self.depth)).map { 880_000_001 + $0 }

            try await Self.send([single], as: alice.credentials, in: flow, on: server)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for connection in 0..<Self.connections {
                    let numbers = Array(burst[connection * Self.depth..<(connection + 1) * Self.depth])
                    group.addTask { try await Self.send(numbers, as: alice.credentials, in: flow, on: server) }
                }
                try await group.waitForAll()
            }
            await server.stop()

            let trace = SystemCallTrace(try program.read("trace"))
            for number in [single] + burst {
                let request = try #require(trace.reading(of: "\(number)"))
                let answer = try #require(trace.writing(of: "\(number)"))
                #expect(trace.syncs.contains { $0.lowerBound > request && $0.upperBound < answer })
            }
            let first = try #require(burst.compactMap { trace.reading(of: "\($0)") }.min())
            let last = try #require(burst.compactMap { trace.writing(of: "\($0)") }.max())
            let shared = trace.syncs.count { $0.lowerBound > first && $0.upperBound < last }
            #expect((1...burst.count / 2).contains(shared))
        }
    }

    /// Sends messages in one piece, unmasked so that a trace shows them, and waits for all answers.
    private static func send(
        _ clientIDs: [Int64], as principal: MTPCredentials, in flow: String, on server: RunningServer
    ) async throws {
        let socket = try await WebSocketClient.connect(url: server.url)
        var bytes = ByteBuffer()
        for clientID in clientIDs {
            // Twice in one frame: where the server's reads divide it, one of them is whole.
            let message = MessageObject(clientID: clientID, text: JSONText("\(clientID)"))
            let request = MTPRequest.sendMessage(as: principal, flow: flow, message)
            // A key of zeros changes nothing.
            var frame = WebSocketFrameBytes(opcode: 1, maskingKey: 0).encoded(request.encoded())
            bytes.writeBuffer(&frame)
        }
        try await socket.send(raw: Array(bytes.readableBytesView))
        for clientID in clientIDs {
            let answer = try await socket.receive().map { try MTPResponse(decoding: ByteBuffer(bytes: $0)) }
            #expect(answer?.code == 200)
            #expect(answer?.data?.message?.first?.clientID == clientID)
        }
        await socket.close()
    }
}

/// What `strace -f -y` wrote: the numbers of the lines on which calls began and ended.
private struct SystemCallTrace: CustomTestStringConvertible {
    var testDescription: String { "a trace of \(lines.count) lines" }
    private let lines: [Substring]
    /// The calls that brought the write-ahead log to the disk.
    let syncs: [Range<Int>]

    init(_ text: String) {
        lines = text.split(separator: "\n")
        var begun: [Substring: Int] = [:]
        var syncs: [Range<Int>] = []
        for (index, line) in lines.enumerated() {
            let thread = line.prefix { $0 != " " }
            let call = line.dropFirst(thread.count).drop { $0 == " " }
            if call.hasPrefix("fdatasync(") || call.hasPrefix("fsync("), call.contains("-wal>"),
                !call.contains("-search-wal>")
            {
                if call.hasSuffix("<unfinished ...>") {
                    begun[thread] = index
                } else if call.hasSuffix(" = 0") {
                    syncs.append(index..<index)
                }
            } else if call.hasPrefix("<... fdatasync resumed>") || call.hasPrefix("<... fsync resumed>") {
                if let start = begun.removeValue(forKey: thread), call.hasSuffix(" = 0") { syncs.append(start..<index) }
            }
        }
        self.syncs = syncs
    }

    /// The line after which the server had read the last whole one of a text from a socket.
    func reading(of text: String) -> Int? {
        lines.lastIndex { line in
            line.contains(text)
                && ["read(", "readv(", "recv", "read resumed", "readv resumed"].contains { line.contains($0) }
                && !Self.writes(line)
        }
    }

    /// The line on which the server began to write a text to a socket.
    func writing(of text: String) -> Int? {
        lines.firstIndex { $0.contains(text) && Self.writes($0) }
    }

    private static func writes(_ line: Substring) -> Bool {
        let call = line.drop { $0 != " " }.drop { $0 == " " }
        return ["write(", "writev(", "sendto(", "sendmsg("].contains { call.hasPrefix($0) }
    }
}
