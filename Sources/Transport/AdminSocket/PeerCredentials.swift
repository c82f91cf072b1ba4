// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

/// Who is at the other end of a Unix socket, as the kernel says (`SO_PEERCRED`).
///
/// The kernel writes into it: the fields are those of its `struct ucred`, in their order, also those that are not read.
package struct PeerCredentials: Equatable, Sendable {
    var processID: Int32
    /// The user as whom the peer's process runs.
    package var userID: UInt32
    var groupID: UInt32

    /// Asks the kernel; `nil` when it does not know.
    static func of(_ channel: any Channel) async -> PeerCredentials? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        let option = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        let future: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(level: .socket, name: option)
        return try? await future.get()
    }

    /// Whether a process of `userID` may talk to this peer: its own user, or root.
    func isTrusted(by userID: UInt32) -> Bool {
        self.userID == userID || self.userID == 0
    }
}
