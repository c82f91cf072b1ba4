// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// The server that a client is to connect to: what `/balance` tells.
package struct ServerChoice: Sendable {
    /// What the server is called.
    package var name: String
    /// Where it is reached, by the name of the protocol: URLs.
    package var addresses: [String: String]

    /// A choice; everything in it is public.
    package init(name: String, addresses: [String: String]) {
        self.name = name
        self.addresses = addresses
    }

    var json: ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", 1)
        writer.member("node", name)
        writer.key("protocols")
        writer.beginObject()
        for (name, address) in addresses.sorted(by: { $0.key < $1.key }) {
            writer.key(escaping: name)
            writer.string(address)
        }
        writer.endObject()
        writer.endObject()
        return ByteBuffer(bytes: writer.bytes)
    }
}
