// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import NIOTestUtils
import ServiceLifecycle
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10)))
struct AdminSocketTests {
    private func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int) ?? -1
    }

    private func makeServer(
        _ path: String,
        removesStaleSocket: Bool = true,
        drainTimeout: TimeAmount = .seconds(10),
        onRunning: @escaping @Sendable () async -> Void = {},
        handler: @escaping AdminRequestHandler = { line, _, send in await send(line) }
    ) throws -> AdminSocketServer {
        try AdminSocketServer(
            path: path,
            removesStaleSocket: removesStaleSocket,
            group: MultiThreadedEventLoopGroup.singleton,
            drainTimeout: drainTimeout,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: onRunning,
            handler: handler
        )
    }

    /// Runs a server around `body`, which gets the socket's path and a way to stop the server.
    private func withAdminSocket(
        drainTimeout: TimeAmount = .seconds(10),
        handler: @escaping AdminRequestHandler = { line, _, send in await send(line) },
        _ body: (_ path: String, _ stop: @escaping @Sendable () async -> Void) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/run/admin.sock"
        let running = Announced<Void>()
        let server = try self.makeServer(
            path, drainTimeout: drainTimeout, onRunning: { running.announce(()) }, handler: handler)
        try await withServices([server], announced: running) { _, stop in try await body(path, stop) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func requestsOfAConnectionAreAnsweredInOrder() async throws {
        let handler: AdminRequestHandler = { line, _, send in
            await send(line)
            await send(Array("done\n".utf8))
        }
        try await self.withAdminSocket(handler: handler) { path, _ in
            let replies = try await AdminSocketClient.connect(path: path) { client in
                for number in 1...3 { try await client.send(Array("request \(number)".utf8)) }
                var replies: [String] = []
                for try await reply in client.replies {
                    replies.append(String(decoding: reply, as: UTF8.self))
                    if replies.count == 6 { break }
                }
                return replies
            }

            #expect(replies == ["request 1", "done ", "request 2", "done ", "request 3", "done "])
        }
    }

    @Test func folderAndSocketAreForTheirUserOnly() async throws {
        try await self.withAdminSocket { path, _ in
            let modes = try (self.mode(of: path), self.mode(of: (path as NSString).deletingLastPathComponent))

            #expect(modes == (0o600, 0o700))
        }
    }

    @Test func largeLinesPassAndLargerOnesEndTheConnection() async throws {
        try await self.withAdminSocket { path, _ in
            let line = Array(repeating: UInt8(ascii: "x"), count: LineDecoder.maximumLineBytes)
            let reply = try await AdminSocketClient.connect(path: path) { client in
                try await client.send(line)
                var iterator = client.replies.makeAsyncIterator()
                return try await iterator.next()
            }
            #expect(reply == line)

            let error = await #expect(throws: AdminSocketError.self) {
                try await AdminSocketClient.connect(path: path) { try await $0.send(line + [UInt8(ascii: "x")]) }
            }
            #expect(error?.code == .lineTooLong)
        }
    }

    @Test func disconnectingCancelsTheRequest() async throws {
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let (cancelled, cancellation) = AsyncStream.makeStream(of: Void.self)
        let handler: AdminRequestHandler = { _, _, _ in
            beginning.yield()
            let (never, _) = AsyncStream.makeStream(of: Never.self)
            for await _ in never {}
            if Task.isCancelled { cancellation.yield() }
        }
        try await self.withAdminSocket(handler: handler) { path, _ in
            try await AdminSocketClient.connect(path: path) { client in
                try await client.send(Array("{}".utf8))
                for await _ in begun { break }
            }

            #expect(await cancelled.first { _ in true } != nil)
        }
    }

    @Test func shutdownLetsTheRequestInFlightFinish() async throws {
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let (permitted, permission) = AsyncStream.makeStream(of: Void.self)
        let handler: AdminRequestHandler = { line, _, send in
            beginning.yield()
            for await _ in permitted { break }
            await send(line)
        }
        try await self.withAdminSocket(handler: handler) { path, stop in
            let replies = try await AdminSocketClient.connect(path: path) { client in
                try await client.send(Array("last".utf8))
                for await _ in begun { break }
                await stop()
                permission.yield()
                var replies: [[UInt8]] = []
                for try await reply in client.replies { replies.append(reply) }
                return replies
            }

            #expect(replies == [Array("last".utf8)])
        }
    }

    @Test func shutdownCutsWhatDoesNotEnd() async throws {
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let handler: AdminRequestHandler = { _, _, _ in
            beginning.yield()
            let (never, _) = AsyncStream.makeStream(of: Never.self)
            for await _ in never {}
        }
        try await self.withAdminSocket(drainTimeout: .milliseconds(50), handler: handler) { path, stop in
            let replies = try await AdminSocketClient.connect(path: path) { client in
                try await client.send(Array("endless".utf8))
                for await _ in begun { break }
                await stop()
                var replies = 0
                for try await _ in client.replies { replies += 1 }
                return replies
            }

            #expect(replies == 0)
        }
    }

    // A connection that is accepted while the server stops once brought the process down.
    @Test func connectionsDuringShutdownAreClosed() async throws {
        for _ in 0..<20 {
            try await self.withAdminSocket { path, stop in
                await withTaskGroup(of: Void.self) { tasks in
                    for _ in 0..<8 {
                        tasks.addTask {
                            _ = try? await AdminSocketClient.connect(path: path) { client in
                                try await client.send(Array("{}".utf8))
                                for try await _ in client.replies {}
                            }
                        }
                    }
                    tasks.addTask { await stop() }
                }
            }
        }
    }

    @Test func clientSaysWhenNoServerRuns() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let missing = await #expect(throws: AdminSocketError.self) {
            try await AdminSocketClient.connect(path: folder.path + "/none.sock") { _ in }
        }
        #expect(missing?.code == .notRunning)

        try leaveStaleSocket(at: folder.path + "/stale.sock")
        let stale = await #expect(throws: AdminSocketError.self) {
            try await AdminSocketClient.connect(path: folder.path + "/stale.sock") { _ in }
        }
        #expect(stale?.code == .notRunning)
    }

    @Test func longPathIsExplained() throws {
        let path = "/tmp/" + String(repeating: "x", count: 103)

        let error = #expect(throws: AdminSocketError.self) { try self.makeServer(path) }

        #expect(error?.code == .pathTooLong)
        #expect(error?.message.contains("108 bytes") == true)
        #expect(throws: Never.self) { try self.makeServer(String(path.dropLast())) }
    }

    @Test func staleSocketIsRemovedOnlyWhenAllowed() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/admin.sock"
        try leaveStaleSocket(at: path)

        let error = await #expect(throws: AdminSocketError.self) {
            try await self.makeServer(path, removesStaleSocket: false).run()
        }
        #expect(error?.code == .pathTaken)

        let (descriptor, identity) = try AdminSocketPath(path).bind(removingStaleSocket: true)
        close(descriptor)
        try AdminSocketPath(path).remove(identity)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func otherFilesAndLivingServersAreLeftAlone() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try "mine".write(toFile: folder.path + "/file", atomically: true, encoding: .utf8)

        let file = await #expect(throws: AdminSocketError.self) {
            try await self.makeServer(folder.path + "/file").run()
        }
        #expect(file?.code == .pathTaken)
        #expect(try String(contentsOfFile: folder.path + "/file", encoding: .utf8) == "mine")

        try await self.withAdminSocket { path, _ in
            let living = await #expect(throws: AdminSocketError.self) { try await self.makeServer(path).run() }
            #expect(living?.code == .pathTaken)
            try await AdminSocketClient.connect(path: path) { try await $0.send(Array("still here".utf8)) }
        }
    }

    @Test func onlyTheSameUserAndRootAreTrusted() async throws {
        let peer = PeerCredentials(processID: 1, userID: 1000, groupID: 1000)
        #expect(peer.isTrusted(by: 1000))
        #expect(!peer.isTrusted(by: 1001))
        #expect(!peer.isTrusted(by: 0))
        #expect(PeerCredentials(processID: 1, userID: 0, groupID: 0).isTrusted(by: 1000))

        try await self.withAdminSocket { path, _ in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            let server = await PeerCredentials.of(channel)
            try await channel.close()

            #expect(server == PeerCredentials(processID: getpid(), userID: geteuid(), groupID: getegid()))
        }
    }

    @Test func linesAreCutWhereverTheBytesAreSplit() throws {
        try ByteToMessageDecoderVerifier.verifyDecoder(
            stringInputOutputPairs: [
                ("{}\n", [ByteBuffer(string: "{}")]), ("\n", [ByteBuffer(string: "")]),
                ("a\nbc\n", [ByteBuffer(string: "a"), ByteBuffer(string: "bc")]),
            ],
            decoderFactory: { LineDecoder() }
        )
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(maximumBytes: 4)))
        try channel.writeInbound(ByteBuffer(string: "1234\n123"))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "1234"))
        let error = #expect(throws: AdminSocketError.self) { try channel.writeInbound(ByteBuffer(string: "45")) }
        #expect(error?.code == .lineTooLong)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}

/// A socket file that nobody listens on, as a killed server leaves it.
private func leaveStaleSocket(at path: String) throws {
    let (descriptor, _) = try AdminSocketPath(path).bind(removingStaleSocket: false)
    close(descriptor)
}
