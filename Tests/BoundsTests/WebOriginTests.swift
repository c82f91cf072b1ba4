// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Testing

struct WebOriginTests {
    @Test(arguments: [
        ("https://chat.example.org", "https://chat.example.org"),
        ("HTTPS://Chat.Example.org:443", "https://chat.example.org"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://[::1]:80", "http://[::1]"),
        ("http://localhost", "http://localhost"),
    ]) func originIsReadAndWritten(text: String, written: String) {
        #expect(WebOrigin(text)?.description == written)
    }

    @Test(arguments: [
        "", "null", "*", "https://", "https:///", "https://a/", "https://a/b", "https://u@a", "ftp://a", "a",
        "https://a:",
        "https://a:65536", "https://a:+1", "https://::1", "https://a b", "file://", "https://\u{e9}",
        "javascript:alert(1)",
        "https://" + String(repeating: "a", count: 100_000),
    ]) func nonsenseIsNoOrigin(_ text: String) {
        #expect(WebOrigin(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:8080", true), ("[::1]:8080", true), ("localhost", true), ("a.localhost:1", true),
        ("evil.example", false),
        ("127.0.0.1.evil.example", false), ("localhost.evil.example", false),
    ]) func hostThatNoNameServerDecidesIsTold(authority: String, isFixed: Bool) throws {
        #expect(try #require(WebOrigin(scheme: "http", authority: authority)).hasFixedHost == isFixed)
    }
}
