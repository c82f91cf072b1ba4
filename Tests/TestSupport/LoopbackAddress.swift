// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// Addresses on 127.0.0.1, for tests that use sockets without a library.
///
/// They are written and read as bytes: whether the compiler takes the fields of `sockaddr_in` for Glibc's or for those
/// of NIO's module for C depends on what it has seen first.
package enum LoopbackAddress {
    /// Calls `body` with the address of `port`, as bind(2) and connect(2) take it.
    package static func with<Result>(
        port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        var address = sockaddr()
        address.sa_family = sa_family_t(AF_INET)
        withUnsafeMutableBytes(of: &address) { bytes in
            bytes.storeBytes(of: UInt16(port).bigEndian, toByteOffset: 2, as: UInt16.self)
            bytes.storeBytes(of: UInt32(0x7F00_0001).bigEndian, toByteOffset: 4, as: UInt32.self)
        }
        return try withUnsafePointer(to: address) { try body($0, socklen_t(MemoryLayout<sockaddr>.size)) }
    }

    /// The port that a socket is bound to; `nil` when it has none.
    package static func port(of descriptor: CInt) -> Int? { port { getsockname(descriptor, $0, $1) } }

    /// The port of a socket's peer; `nil` when it has none.
    package static func peerPort(of descriptor: CInt) -> Int? { port { getpeername(descriptor, $0, $1) } }

    private static func port(
        _ read: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> Int? {
        var address = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        guard read(&address, &length) == 0, address.sa_family == sa_family_t(AF_INET) else { return nil }
        return withUnsafeBytes(of: address) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
    }
}
