// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

extension Channel {
    /// Bytes that the socket has taken and the peer's TCP has not acknowledged (`SIOCOUTQ`); `nil` when the system does
    /// not say, as of a channel that is closed.
    ///
    /// For the channel's event loop.
    var unacknowledgedBytes: Int? {
        // No handler is called between the closing of a descriptor and the channel's becoming inactive.
        guard self.isActive else { return nil }
        let answer = try? self.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            var bytes: CInt = 0
            return ioctl(descriptor, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) : nil
        }
        return answer.flatMap { $0 }
    }
}

extension NIOSynchronousChannelOptions {
    /// Lets TCP find peers that are gone without a word: probes after a minute of silence, four, 15 seconds apart.
    func detectDeadPeers() throws {
        try self.setOption(.socketOption(.so_keepalive), value: 1)
        try self.setOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 60)
        try self.setOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 15)
        try self.setOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 4)
    }
}
