// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
package import NIOCore
import NIOHTTP1
import Synchronization

/// The proxies whose word about where people come from is taken, and how they say it.
package struct TrustedProxies: Sendable {
    /// The header of HTTP in which the proxies say where a request comes from; the other one is not looked at, because
    /// a proxy that sets one may pass the other on as a client wrote it.
    package enum Header: String, Sendable, CaseIterable {
        /// `X-Forwarded-For: 192.0.2.1, 10.0.0.7`
        case xForwardedFor = "X-Forwarded-For"
        /// `Forwarded: for=192.0.2.1, for="[2001:db8::1]:4711"` (RFC 7239)
        case forwarded = "Forwarded"
    }

    private let trust: ProxyTrust
    /// Whether their connections begin with a header of the PROXY protocol, version 2.
    package var sendsProxyHeader: Bool
    /// How long that header may take to arrive.
    ///
    /// Default: 5 s.
    package var headerTimeout = TimeAmount.seconds(5)

    /// No proxy is trusted.
    package static let none = TrustedProxies(ranges: [])

    /// The most addresses of a header that are looked at, from its end.
    private static let maximumHops = 32

    /// Proxies at addresses.
    package init(ranges: [IPRange], header: Header = .xForwardedFor, sendsProxyHeader: Bool = false) {
        self.init(trust: ProxyTrust(ranges: ranges, header: header), sendsProxyHeader: sendsProxyHeader)
    }

    /// Proxies that may change.
    package init(trust: ProxyTrust, sendsProxyHeader: Bool) {
        self.trust = trust
        self.sendsProxyHeader = sendsProxyHeader
    }

    /// Their addresses.
    private var ranges: [IPRange] { self.trust.value.ranges }
    /// Where they name the client of an HTTP request.
    private var header: Header { self.trust.value.header }

    func contains(_ address: SocketAddress?) -> Bool {
        guard !self.ranges.isEmpty, let address = address.flatMap({ IPAddress($0) }) else { return false }
        return self.contains(address)
    }

    private func contains(_ address: IPAddress) -> Bool {
        self.ranges.contains { $0.contains(address) }
    }

    /// Where a request comes from: the last address, from the peer backwards, that is no trusted proxy.
    ///
    /// What comes before it was written by who knows whom. An address that cannot be read ends the way back.
    func client(of headers: HTTPHeaders, peer: SocketAddress?) -> SocketAddress? {
        guard self.contains(peer), let name = headers.contains(name: self.header.rawValue) ? self.header : nil else {
            return peer
        }
        var client = peer
        let elements = headers[name.rawValue].reversed().lazy.flatMap { $0.split(separator: ",").reversed() }
        for element in elements.prefix(Self.maximumHops) {
            let text = name == .forwarded ? Self.forParameter(of: element) : element
            guard let text, let address = Self.address(text) else { return client }
            client = address
            guard self.contains(address) else { return client }
        }
        return client
    }

    /// The scheme that a client used, if a trusted proxy says so: `http` or `https`.
    func scheme(of headers: HTTPHeaders, peer: SocketAddress?) -> String? {
        guard self.contains(peer) else { return nil }
        let value: Substring?
        switch self.header {
        case .xForwardedFor: value = headers["X-Forwarded-Proto"].last.map { $0[...] }
        case .forwarded:
            let element = headers["Forwarded"].last?.split(separator: ",").last
            value = element.flatMap { Self.parameter("proto", of: $0) }
        }
        return ["http", "https"].first { scheme in
            value.map { Self.trimmed($0).lowercased() == scheme } == true
        }
    }

    private static func forParameter(of element: Substring) -> Substring? {
        Self.parameter("for", of: element)
    }

    private static func parameter(_ name: String, of element: Substring) -> Substring? {
        for pair in element.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, Self.trimmed(parts[0]).lowercased() == name else { continue }
            let value = Self.trimmed(parts[1])
            return value.hasPrefix("\"") && value.hasSuffix("\"") ? value.dropFirst().dropLast() : value
        }
        return nil
    }

    /// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
    private static func address(_ text: Substring) -> SocketAddress? {
        var host = Self.trimmed(text)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":"), !host[host.index(after: colon)...].contains(":") {
            host = host[..<colon]
        }
        return IPAddress(host).flatMap { try? SocketAddress(ipAddress: $0.description, port: 0) }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}

/// Which proxies are trusted: shared by all listeners, since an operator may change it while the server runs.
package final class ProxyTrust: Sendable {
    private let current: Mutex<(ranges: [IPRange], header: TrustedProxies.Header)>

    package init(ranges: [IPRange], header: TrustedProxies.Header) {
        self.current = Mutex((ranges, header))
    }

    var value: (ranges: [IPRange], header: TrustedProxies.Header) { self.current.withLock { $0 } }

    /// Trusts others from now on; connections that are open keep the source that they have.
    package func set(ranges: [IPRange], header: TrustedProxies.Header) {
        self.current.withLock { $0 = (ranges, header) }
    }
}

extension IPAddress {
    /// The address of a socket without its port; `nil` for a Unix socket.
    package init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            // `sin_addr`: four bytes after family and port.
            self.init(bytes: withUnsafeBytes(of: address.address) { Array($0[4..<8]) })
        case .v6(let address):
            // `sin6_addr`: sixteen bytes after family, port and flow.
            self.init(bytes: withUnsafeBytes(of: address.address) { Array($0[8..<24]) })
        case .unixDomainSocket: return nil
        }
    }
}
