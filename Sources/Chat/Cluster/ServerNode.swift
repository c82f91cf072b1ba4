// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
package import Storage

/// A server among those that share the store, as its last heartbeat left it.
package struct ServerNode: Sendable, Equatable {
    /// How long a server may be silent before it counts as gone.
    package static let silenceLimit = Duration.seconds(10)

    package var id: NodeID
    /// For people.
    package var name: String
    /// Where clients reach it, by the name of the protocol, such as `mtp`: URLs.
    package var endpoints: [String: String]
    /// What it does for people.
    package var mode: ServiceMode
    /// Since the last heartbeat, when the list was read.
    package var age: Duration
    /// Gets no new clients.
    package var isDraining: Bool
    /// What was announced of its draining.
    package var announcement: NodeAnnouncement?
    /// Open connections at the last heartbeat.
    package var clients: Int
    /// When it entered itself into the list, by the database's clock.
    package var started: Timestamp

    /// A server with all that is known of it.
    package init(
        id: NodeID, name: String, endpoints: [String: String], mode: ServiceMode = .normal, age: Duration = .zero,
        isDraining: Bool = false, announcement: NodeAnnouncement? = nil, clients: Int = 0,
        started: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.id = id
        self.name = name
        self.endpoints = endpoints
        self.mode = mode
        self.age = age
        self.isDraining = isDraining
        self.announcement = announcement
        self.clients = clients
        self.started = started
    }

    /// What a row of the list says.
    package init(_ record: NodeRecord) {
        self.init(
            id: record.id, name: record.name, endpoints: Self.endpoints(in: record.protocols),
            // The column has no other words.
            mode: ServiceMode(rawValue: record.mode) ?? .normal,
            age: .milliseconds(record.ageMilliseconds), isDraining: record.isDraining,
            announcement: record.announcement, clients: Int(record.clients), started: record.started)
    }

    /// Whether it has been silent for so long that it counts as gone.
    package var isSilent: Bool { age > Self.silenceLimit }

    /// Host and port of a protocol's URL.
    ///
    /// - Parameter name: Such as `fastchat`.
    /// - Returns: `nil` when the server does not serve the protocol, or does not say at which port.
    package func place(of name: String) -> (host: String, port: Int)? {
        guard let url = endpoints[name] else { return nil }
        var rest = url[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        if let path = rest.firstIndex(of: "/") { rest = rest[..<path] }
        guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]) else { return nil }
        var host = rest[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, (1...65_535).contains(port) else { return nil }
        return (String(host), port)
    }

    // MARK: In the list

    /// The JSON object for the list.
    static func text(of endpoints: [String: String]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, url) in endpoints.sorted(by: { $0.key < $1.key }) {
            writer.key(escaping: name)
            writer.string(url)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func endpoints(in text: String) -> [String: String] {
        guard let members = (try? JSONValue.parse(Array(text.utf8)))?.members else { return [:] }
        var endpoints: [String: String] = [:]
        for (name, value) in members { endpoints[name.string] = value.string }
        return endpoints
    }
}
