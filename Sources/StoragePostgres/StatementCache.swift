// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres

/// The prepared statements of one connection by their text and the types of their parameters.
///
/// It holds only what the server confirmed; beyond `limit` the least recently used goes.
struct StatementCache {
    struct Key: Hashable {
        var sql: String
        var types: [Oid]
    }

    private struct Entry {
        var name: String
        var lastUse: UInt64
    }

    private let limit: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0
    /// Evicted, but not yet deallocated on the server.
    private(set) var evicted: [String] = []

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    var count: Int { entries.count }

    /// The name of the prepared statement, if there is one.
    mutating func name(for key: Key) -> String? {
        guard let index = entries.index(forKey: key) else { return nil }
        uses += 1
        entries.values[index].lastUse = uses
        return entries.values[index].name
    }

    /// A name that was never used on this connection.
    mutating func newName() -> String {
        names += 1
        return "s\(names)"
    }

    /// The server has prepared `name`.
    mutating func prepared(_ key: Key, as name: String) {
        if entries.count >= limit, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries.removeValue(forKey: oldest.key)
            evicted.append(oldest.value.name)
        }
        uses += 1
        entries[key] = Entry(name: name, lastUse: uses)
    }

    /// The server has deallocated `name`.
    mutating func deallocated(_ name: String) {
        evicted.removeAll { $0 == name }
    }
}
