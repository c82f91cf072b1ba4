// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import NIOCore
import NIOHTTP1
import Testing

@testable import Transport

/// Who a request is from, behind proxies and behind those who lie.
struct TrustedProxiesTests {
    private func proxies(_ header: TrustedProxies.Header = .xForwardedFor) throws -> TrustedProxies {
        TrustedProxies(ranges: try ["10.0.0.0/8", "2001:db8::/32"].map { try #require(IPRange($0)) }, header: header)
    }

    private func client(_ name: String, _ values: [String], peer: String, _ proxies: TrustedProxies) throws -> String? {
        let headers = HTTPHeaders(values.map { (name, $0) })
        return proxies.client(of: headers, peer: try SocketAddress(ipAddress: peer, port: 4711))?.ipAddress
    }

    @Test(arguments: [
        // Nobody else's word is taken.
        (["192.0.2.1"], "198.51.100.7", "198.51.100.7"),
        ([], "10.0.0.1", "10.0.0.1"), ([""], "10.0.0.1", "10.0.0.1"),
        (["192.0.2.1"], "10.0.0.1", "192.0.2.1"),
        // What a client wrote itself comes before what the proxy appended.
        (["127.0.0.1, 192.0.2.1"], "10.0.0.1", "192.0.2.1"), (["127.0.0.1", "192.0.2.1"], "10.0.0.1", "192.0.2.1"),
        (["192.0.2.1, 10.0.0.9 ,10.0.0.8"], "10.0.0.1", "192.0.2.1"),
        (["10.0.0.9"], "10.0.0.1", "10.0.0.9"),
        (["192.0.2.1, unknown, 10.0.0.9"], "10.0.0.1", "10.0.0.9"), (["nonsense"], "10.0.0.1", "10.0.0.1"),
        (["192.0.2.1:4711"], "10.0.0.1", "192.0.2.1"), (["[2001:0:1::2]:80"], "10.0.0.1", "2001:0:1::2"),
        (["2001:0:1::2"], "2001:db8::1", "2001:0:1::2"), (["[2001:0:1::2"], "10.0.0.1", "10.0.0.1"),
    ]) func clientIsTheLastThatIsNoProxy(values: [String], peer: String, client expected: String) throws {
        #expect(try client("X-Forwarded-For", values, peer: peer, proxies()) == expected)
    }

    @Test(arguments: [
        (["for=192.0.2.1"], "192.0.2.1"), (["For=192.0.2.1;proto=https;by=10.0.0.1"], "192.0.2.1"),
        (["for=127.0.0.1, for=192.0.2.1"], "192.0.2.1"), ([#"proto=http; for="[2001:0:1::2]:4711""#], "2001:0:1::2"),
        (["for=unknown"], "10.0.0.1"), (["for=_hidden"], "10.0.0.1"), (["proto=https"], "10.0.0.1"),
        ([#"for=""#], "10.0.0.1"),
    ]) func forwardedIsRead(values: [String], expected: String) throws {
        #expect(try client("Forwarded", values, peer: "10.0.0.1", proxies(.forwarded)) == expected)
    }

    @Test func theOtherHeaderIsNotLookedAt() throws {
        #expect(try client("Forwarded", ["for=192.0.2.1"], peer: "10.0.0.1", proxies()) == "10.0.0.1")
        #expect(try client("X-Forwarded-For", ["192.0.2.1"], peer: "10.0.0.1", proxies(.forwarded)) == "10.0.0.1")
    }

    @Test func withoutProxiesNothingIsRead() throws {
        #expect(try client("X-Forwarded-For", ["192.0.2.1"], peer: "127.0.0.1", .none) == "127.0.0.1")
    }

    @Test func longChainOfProxiesEnds() throws {
        let chain = Array(repeating: "10.0.0.2", count: 10_000).joined(separator: ",")

        #expect(try client("X-Forwarded-For", ["192.0.2.1," + chain], peer: "10.0.0.1", proxies()) == "10.0.0.2")
    }

    @Test func schemeIsTakenFromProxiesOnly() throws {
        let headers = HTTPHeaders([("X-Forwarded-Proto", "https")])
        let forwarded = HTTPHeaders([("Forwarded", "for=192.0.2.1;proto=HTTPS")])
        let proxy = try SocketAddress(ipAddress: "10.0.0.1", port: 1)
        let stranger = try SocketAddress(ipAddress: "192.0.2.1", port: 1)

        #expect(try proxies().scheme(of: headers, peer: proxy) == "https")
        #expect(try proxies().scheme(of: headers, peer: stranger) == nil)
        #expect(try proxies(.forwarded).scheme(of: forwarded, peer: proxy) == "https")
        #expect(try proxies().scheme(of: [:], peer: proxy) == nil)
    }
}
