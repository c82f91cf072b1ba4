// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where to connect: the parts of a `ws`, `wss`, `http` or `https` address.
package struct ClientAddress: Hashable, Sendable {
    /// Whether the address asks for TLS.
    package var isSecure: Bool
    /// A name or a number, IPv6 without its brackets.
    package var host: String
    package var port: Int
    /// Path and query, at least `/`.
    package var path: String

    /// - Throws: `ClientError.invalidURL`.
    package init(url: String, schemes: Set<String> = ["ws", "wss", "http", "https"]) throws(ClientError) {
        guard let colon = url.firstRange(of: "://") else {
            throw .invalidURL(url, reason: "it has no scheme such as ws://")
        }
        let scheme = url[..<colon.lowerBound].lowercased()
        guard schemes.contains(scheme) else {
            throw .invalidURL(url, reason: "its scheme must be one of \(schemes.sorted().joined(separator: ", "))")
        }
        let rest = url[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<end]
        if authority.contains("@") { throw .invalidURL("…", reason: "it must not hold a user name or password") }

        isSecure = scheme == "wss" || scheme == "https"
        port = isSecure ? 443 : 80
        if authority.last != "]", let colon = authority.lastIndex(of: ":") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw .invalidURL(url, reason: "its port must be a number from 1 to 65535")
            }
            port = Int(number)
            authority = authority[..<colon]
        }
        if authority.first == "[" && authority.last == "]" { authority = authority.dropFirst().dropLast() }
        if authority.isEmpty { throw .invalidURL(url, reason: "it has no host") }
        guard authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) && rest.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw .invalidURL(url, reason: "it has spaces or control characters") }
        host = String(authority)
        let target = rest[end...].prefix { $0 != "#" }
        path = target.first == "/" ? String(target) : "/" + target
    }

    /// Host and port, as in the `Host` header: `127.0.0.1:8080`.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Host and port for people.
    package var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
