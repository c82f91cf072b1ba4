// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// Whose admin socket a client talks to: it may send a password.
@Suite(.timeLimit(.minutes(10)))
struct AdminSocketTrustTests {
    /// A folder with a socket that belong to whom the test says; goes away with the value.
    private final class Place: Sendable {
        let folder: String
        var socket: String { self.folder + "/admin.sock" }

        init() throws {
            self.folder = "/tmp/admin-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: self.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let (descriptor, _) = try AdminSocketPath(self.socket).bind(removingStaleSocket: false)
            close(descriptor)
        }

        func give(folder: UInt32? = nil, socket: UInt32? = nil, mode: mode_t? = nil) {
            if let folder { chown(self.folder, folder, folder) }
            if let socket { chown(self.socket, socket, socket) }
            if let mode { chmod(self.folder, mode) }
        }

        func owner(for user: UInt32) throws(AdminSocketError) -> UInt32? {
            try AdminSocketPath(self.socket).trustedOwner(for: user)
        }

        deinit { try? FileManager.default.removeItem(atPath: self.folder) }
    }

    @Test func whereNothingIsNobodyIsTrusted() throws {
        #expect(try AdminSocketPath("/tmp/admin-\(UUID().uuidString)/admin.sock").trustedOwner(for: 0) == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func ownSocketAndThatOfRootAreTrusted() throws {
        let place = try Place()

        #expect(try place.owner(for: 1000) == 0)
        place.give(folder: 1000, socket: 1000)
        #expect(try place.owner(for: 1000) == 1000)
        // Root works for whoever runs the server.
        #expect(try place.owner(for: 0) == 1000)
    }

    @Test(
        .enabled(if: geteuid() == 0, "only root can give files away"),
        arguments: [(1001, 1001), (1000, 1001), (1001, 1000), (0, 1001)] as [(UInt32, UInt32)])
    func whatBelongsToAnotherUserIsRefused(folder: UInt32, socket: UInt32) throws {
        let place = try Place()
        place.give(folder: folder, socket: socket)

        let error = #expect(throws: AdminSocketError.self) { try place.owner(for: 1000) }
        #expect(error?.code == .notAllowed)
        #expect(error?.message.contains("another user") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func socketThatSomebodyPutIntoTheServersFolderIsRefusedForRootToo() throws {
        let place = try Place()
        place.give(folder: 1000, socket: 1001)

        #expect(throws: AdminSocketError.self) { try place.owner(for: 0) }
    }

    @Test(
        arguments: [(0o777, false), (0o770, false), (0o702, false), (0o1777, true), (0o755, true)] as [(mode_t, Bool)])
    func folderInWhichOthersMayWriteIsRefused(mode: mode_t, isTrusted: Bool) throws {
        let place = try Place()
        place.give(mode: mode)

        if isTrusted {
            #expect(try place.owner(for: geteuid()) == geteuid())
        } else {
            let error = #expect(throws: AdminSocketError.self) { try place.owner(for: geteuid()) }
            #expect(error?.message.contains("chmod go-w") == true)
        }
    }

    @Test func nothingIsSentWhereSomebodyCouldListen() async throws {
        let place = try Place()
        unlink(place.socket)
        let (accepted, source) = AsyncStream.makeStream(of: Int.self)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                source.yield(1)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(unixDomainSocketPath: place.socket).get()
        place.give(mode: 0o777)

        let error = await #expect(throws: AdminSocketError.self) {
            try await AdminSocketClient.connect(path: place.socket) { client in
                try await client.send(Array("the password".utf8))
            }
        }
        try await listener.close()
        source.finish()

        #expect(error?.code == .notAllowed)
        #expect(await accepted.first { _ in true } == nil)
    }
}
