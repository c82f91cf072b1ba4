// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What a proxy says in front of a connection's bytes: version 2 of the PROXY protocol.
///
/// <https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>, section 2.2. Pure: bytes in, a value out.
package struct ProxyHeader: Equatable, Sendable {
    /// Where the connection comes from; `nil` when the proxy speaks for itself, as in its health checks, or does not
    /// say.
    package let source: SocketAddress?

    /// The longest header that is read, with what proxies append to the addresses.
    package static let maximumBytes = 4096

    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]
    /// Signature, version with command, family with transport, length.
    private static let fixedBytes = 16

    /// Reads the header at the beginning of `buffer`, and moves the reader past it.
    ///
    /// - Returns: `nil` when more bytes are needed; then nothing was moved.
    /// - Throws: `ProxyHeaderError` as soon as the bytes can be no such header.
    package init?(decoding buffer: inout ByteBuffer) throws(ProxyHeaderError) {
        let view = buffer.readableBytesView
        guard view.prefix(Self.signature.count).elementsEqual(Self.signature.prefix(view.count)) else {
            throw .noHeader
        }
        guard view.count >= Self.fixedBytes else { return nil }
        var bytes = buffer
        bytes.moveReaderIndex(forwardBy: Self.signature.count)
        guard let command = bytes.readInteger(as: UInt8.self), let family = bytes.readInteger(as: UInt8.self),
            let length = bytes.readInteger(as: UInt16.self)
        else { return nil }
        guard command >> 4 == 2 else { throw .wrongVersion }
        guard Int(length) <= Self.maximumBytes - Self.fixedBytes else { throw .tooLong }
        guard command & 0xf <= 1 else { throw .unknownCommand }
        let isLocal = command & 0xf == 0
        if !isLocal { try Self.check(family, Int(length)) }
        guard var addresses = bytes.readSlice(length: Int(length)) else { return nil }
        source = isLocal ? nil : try Self.source(family, &addresses)
        buffer = bytes
    }

    private static func check(_ family: UInt8, _ length: Int) throws(ProxyHeaderError) {
        switch family {
        case 0x00: break
        case 0x11: if length < 12 { throw .tooShort }
        case 0x21: if length < 36 { throw .tooShort }
        case 0x31: if length < 216 { throw .tooShort }
        // Datagrams do not come through a connection.
        default: throw .unknownFamily
        }
    }

    private static func source(
        _ family: UInt8, _ addresses: inout ByteBuffer
    ) throws(ProxyHeaderError) -> SocketAddress? {
        let length: Int
        switch family {
        case 0x11: length = 4
        case 0x21: length = 16
        default: return nil
        }
        guard let source = addresses.readSlice(length: length) else { throw .tooShort }
        addresses.moveReaderIndex(forwardBy: length)
        guard let port = addresses.readInteger(as: UInt16.self),
            let address = try? SocketAddress(packedIPAddress: source, port: Int(port))
        else { throw .tooShort }
        return address
    }
}

/// Why bytes are no header of the PROXY protocol.
package enum ProxyHeaderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The signature is missing.
    case noHeader
    /// Not version 2.
    case wrongVersion
    /// Neither LOCAL nor PROXY.
    case unknownCommand
    /// No TCP over IP, and no Unix socket.
    case unknownFamily
    /// Shorter than its addresses.
    case tooShort
    /// Longer than `ProxyHeader.maximumBytes`.
    case tooLong

    /// For the log of the operator, who sets up the proxy.
    package var description: String {
        switch self {
        case .noHeader: "the connection does not begin with a header of version 2"
        case .wrongVersion: "the header is not of version 2"
        case .unknownCommand: "the header has an unknown command"
        case .unknownFamily: "the header has a family of addresses that is not of TCP"
        case .tooShort: "the header is too short for its addresses"
        case .tooLong: "the header is longer than \(ProxyHeader.maximumBytes) bytes"
        }
    }
}
