// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where a stream protocol's server is.
package struct StreamEndpoint: Equatable, Sendable {
    package var host: String
    package var port: Int
    package var isSecure: Bool

    package init(host: String, port: Int, isSecure: Bool) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
    }

    /// Reads `tcp://HOST:PORT` or `tls://HOST:PORT`.
    ///
    /// - Throws: `ClientError.invalidURL`.
    package init(url: String) throws(ClientError) {
        isSecure = url.hasPrefix("tls://")
        guard isSecure || url.hasPrefix("tcp://") else {
            throw .invalidURL(url, reason: "its scheme must be tcp or tls")
        }
        let rest = url.dropFirst("tcp://".count)
        let address = try ClientAddress(url: "ws://\(rest)")
        guard address.path == "/", rest.hasSuffix(":\(address.port)") || rest.hasSuffix(":\(address.port)/") else {
            throw .invalidURL(url, reason: "it must be like tcp://HOST:PORT")
        }
        host = address.host
        port = address.port
    }

    package var url: String { "\(isSecure ? "tls" : "tcp")://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
