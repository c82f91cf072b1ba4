// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// What the balancer tells a client that connects: which server is theirs.
package struct FastChatAssignment: Equatable, Sendable {
    package var host: String
    package var port: Int
    /// Base64 of the balancer's RSA PKCS#1 v1.5 SHA-256 signature over `signedText`.
    package var sign: String

    package init(host: String, port: Int, sign: String) {
        self.host = host
        self.port = port
        self.sign = sign
    }

    /// The text that the balancer signs and the server verifies.
    package static func signedText(host: String, port: Int) -> String {
        "\(host)\(port)"
    }

    /// The unit to write.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: sign.utf8.count + 96)
        writer.beginObject()
        writer.member("server_ip", host)
        writer.member("server_port", Int64(port))
        writer.member("sign", sign)
        writer.endObject()
        return writer.bytes
    }

    /// What a client read.
    package init(decoding value: [UInt8]) throws(FastChatDecodeError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(value)
        } catch {
            throw FastChatDecodeError("not a JSON value: \(error)", isUnparseable: true)
        }
        let object = try FastChatObject(json)
        let port = try object.number("server_port")
        guard (1...65_535).contains(port) else { throw FastChatDecodeError("server_port must be 1 to 65535") }
        self.init(host: try object.string("server_ip"), port: Int(port), sign: try object.string("sign"))
    }
}
