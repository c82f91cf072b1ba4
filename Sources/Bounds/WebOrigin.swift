// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where a web page comes from, as browsers say it: scheme, host and port (RFC 6454).
package struct WebOrigin: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    package let scheme: String
    /// The host in lower case, an address of version 6 in brackets.
    package let host: String
    /// The port; that of the scheme when none is written.
    package let port: Int

    /// The longest text that is read.
    private static let maximumBytes = 300

    /// Reads `https://chat.example.org` or `http://127.0.0.1:8080`: no path, no user.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        let lower = text.lowercased()
        for scheme in ["http", "https"] where lower.utf8.starts(with: "\(scheme)://".utf8) {
            self.init(scheme: scheme, authority: lower.dropFirst(scheme.count + 3))
            return
        }
        return nil
    }

    /// Puts together what a `Host` header says, such as `127.0.0.1:8080`, and a scheme.
    package init?(scheme: String, authority: some StringProtocol) {
        let text = Substring(authority).utf8
        guard !text.isEmpty, text.count <= Self.maximumBytes, text.allSatisfy(Self.isAllowed) else { return nil }
        var host = text
        var port = scheme == "https" ? 443 : 80
        let end = text.last == UInt8(ascii: "]") ? nil : text.lastIndex(of: UInt8(ascii: ":"))
        if let end {
            let digits = text[text.index(after: end)...]
            guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(Substring(digits)), number <= 65535
            else { return nil }
            port = number
            host = text[..<end]
        }
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        guard !host.isEmpty, isBracketed || !host.contains(UInt8(ascii: ":")) else { return nil }
        self.scheme = scheme
        self.host = Substring(host).lowercased()
        self.port = port
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default: false
        }
    }

    /// Whether the host is an address or a name that means this machine everywhere: no name server can have it point
    /// elsewhere.
    package var hasFixedHost: Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let bare = host.hasPrefix("[") ? host.dropFirst().dropLast() : host[...]
        return IPAddress(bare) != nil
    }

    /// As browsers write it: without the scheme's own port.
    package var description: String {
        port == (scheme == "https" ? 443 : 80) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }
}
