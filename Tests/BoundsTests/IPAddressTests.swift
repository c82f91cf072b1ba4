// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Testing

struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"),
        ("::1", "::1"), ("0.0.0.0", "0.0.0.0"),
    ]) func addressIsReadAndWritten(text: String, written: String) {
        #expect(IPAddress(text)?.description == written)
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ", "[::1]", "::1%eth0", "::1::", "g::", "1.2.3.4:80",
        "1.2.3.4\0", String(repeating: "1", count: 100_000),
    ]) func nonsenseIsNoAddress(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func addressIsReadFromItsBytes() {
        #expect(IPAddress(bytes: [192, 0, 2, 1]) == IPAddress("192.0.2.1"))
        #expect(
            IPAddress(bytes: [0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [1]) == IPAddress("2001:db8::1"))
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
        #expect(IPAddress("192.0.2.1")?.bytes == [192, 0, 2, 1])
    }

    @Test func oneSubscriberOfVersion6HasANetwork() throws {
        let one = try #require(IPAddress("2001:db8:1:2:3:4:5:6"))
        let same = try #require(IPAddress("2001:db8:1:2::9"))
        let other = try #require(IPAddress("2001:db8:1:3::9"))

        #expect(one.network == same.network)
        #expect(one.network != other.network)
        #expect(try #require(IPAddress("192.0.2.1")).network != IPAddress("192.0.2.2")?.network)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.9.10", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("::2", false), ("::", false),
    ]) func loopbackIsTold(text: String, isLoopback: Bool) throws {
        #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("0.0.0.0/0", "192.0.2.1", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1/31", "192.0.2.0", true),
        ("2001:db8::/64", "2001:db8::ffff", true), ("2001:db8::/64", "2001:db8:0:1::", false),
        ("2001:db8::/65", "2001:db8::8000:0:0:0", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
    ]) func rangeHoldsWhatSharesItsBits(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(IPRange(range)).contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8", "a/8",
    ])
    func nonsenseIsNoRange(_ text: String) {
        #expect(IPRange(text) == nil)
    }
}
