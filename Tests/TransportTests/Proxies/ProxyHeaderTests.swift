// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Transport

/// Version 2 of the PROXY protocol, in every form that is broken too.
struct ProxyHeaderTests {
    static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    static let version4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 9, 0x12, 0x34, 0x1f, 0x90]

    /// A header with any parts.
    static func header(
        _ command: UInt8 = 0x21, _ family: UInt8 = 0x11, _ rest: [UInt8] = version4, length: Int? = nil
    )
        -> [UInt8]
    {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xff)] + rest
    }

    private func decode(_ bytes: [UInt8]) throws -> (header: ProxyHeader?, rest: [UInt8]) {
        var buffer = ByteBuffer(bytes: bytes)
        let header = try ProxyHeader(decoding: &buffer)
        return (header, Array(buffer.readableBytesView))
    }

    @Test func sourceOfVersion4IsRead() throws {
        let (header, rest) = try decode(Self.header() + Array("GET".utf8))

        #expect(header?.source == (try SocketAddress(ipAddress: "192.0.2.1", port: 0x1234)))
        #expect(rest == Array("GET".utf8))
    }

    @Test func sourceOfVersion6IsRead() throws {
        let source = [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [7]
        let bytes = source + [UInt8](repeating: 1, count: 16) + [0, 80, 0, 90]

        #expect(
            try decode(Self.header(0x21, 0x21, bytes)).header?.source
                == (try SocketAddress(ipAddress: "2001:db8::7", port: 80)))
    }

    @Test func whatProxiesAppendIsPassedOver() throws {
        // PP2_TYPE_NOOP with three bytes.
        let (header, rest) = try decode(Self.header(0x21, 0x11, Self.version4 + [4, 0, 3, 0, 0, 0]) + [9])

        #expect(header?.source?.ipAddress == "192.0.2.1")
        #expect(rest == [9])
    }

    @Test(arguments: [
        header(0x20, 0x00, []), header(0x20, 0x11), header(0x20, 0x12, [1, 2, 3]), header(0x21, 0x00, []),
        header(0x21, 0x31, [UInt8](repeating: 0, count: 216)), header(0x20, 0xff, []),
    ]) func aProxyThatSpeaksForItselfNamesNobody(bytes: [UInt8]) throws {
        let (header, rest) = try decode(bytes + [1])

        #expect(header != nil && header?.source == nil)
        #expect(rest == [1])
    }

    @Test(arguments: [
        (Array("GET / HTTP/1.1".utf8), ProxyHeaderError.noHeader), ([0x0d, 0x0a, 0x0d, 0x0b], .noHeader),
        ([0], .noHeader),
        (Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".utf8), .noHeader),
        (header(0x11), .wrongVersion), (header(0x31), .wrongVersion), (header(0x01), .wrongVersion),
        (header(0x22), .unknownCommand), (header(0x2f), .unknownCommand),
        (header(0x21, 0x12), .unknownFamily), (header(0x21, 0x22, [UInt8](repeating: 0, count: 36)), .unknownFamily),
        (header(0x21, 0x10), .unknownFamily), (header(0x21, 0x41), .unknownFamily),
        (header(0x21, 0x13), .unknownFamily),
        (header(0x21, 0x11, []), .tooShort), (header(0x21, 0x11, [1, 2, 3, 4]), .tooShort),
        (header(0x21, 0x21, [UInt8](repeating: 0, count: 35)), .tooShort),
        (header(0x21, 0x31, [UInt8](repeating: 0, count: 215)), .tooShort),
        (header(0x21, 0x11, [], length: 65535), .tooLong), (header(0x20, 0x00, [], length: 4081), .tooLong),
    ]) func malformedHeaderIsRefusedAtOnce(bytes: [UInt8], error: ProxyHeaderError) {
        #expect(throws: error) { try decode(bytes) }
    }

    @Test func everyBeginningOfAHeaderNeedsMore() throws {
        let bytes = Self.header(0x21, 0x11, Self.version4 + [UInt8](repeating: 4, count: 100))

        for count in 0..<bytes.count {
            let (header, rest) = try decode(Array(bytes.prefix(count)))
            #expect(header == nil)
            #expect(rest.count == count)
        }
        #expect(try decode(bytes).header?.source?.ipAddress == "192.0.2.1")
    }

    @Test func longestHeaderIsTaken() throws {
        let bytes = Self.header(0x20, 0x00, [UInt8](repeating: 0, count: ProxyHeader.maximumBytes - 16))

        #expect(try decode(bytes).rest == [])
    }
}
