// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What an administrator did or was refused: one entry of the audit.
package struct AuditEntry: Sendable, Equatable {
    /// The administrator's name, or the user of the operating system.
    package var actor: String
    /// Through what it was asked for, such as `socket`.
    package var face: String
    /// The peer's address, where the network was between.
    package var address: String?
    /// The operation's name, such as `user.delete`.
    package var operation: String
    /// On whom or what: a login, a flow's uuid, and the like.
    package var target: String?
    /// A JSON object without secrets.
    package var parameters: String
    /// The kind of refusal; `nil` when it was done.
    package var refusal: String?

    package init(
        actor: String, face: String, address: String? = nil, operation: String, target: String? = nil,
        parameters: String = "{}", refusal: String? = nil
    ) {
        self.actor = actor
        self.face = face
        self.address = address
        self.operation = operation
        self.target = target
        self.parameters = parameters
        self.refusal = refusal
    }
}

/// An entry with its place in the chain.
package struct AuditRecord: Sendable, Equatable {
    /// From 1, without gaps.
    package var number: Int64
    package var time: Timestamp
    package var entry: AuditEntry
    /// The hash of the record before; 32 zero bytes in front of the first.
    package var previous: [UInt8]
    /// SHA-256 of `canonicalBytes`.
    package var hash: [UInt8]

    /// Length of a hash.
    package static let hashBytes = 32

    /// What is hashed: a tag, the previous hash, then number, time and each text in front of which stands its length.
    ///
    /// Integers are big-endian in 8 bytes; the length of a text that is missing is -1. So no two records read the same.
    package var canonicalBytes: [UInt8] {
        var bytes = Array("parley audit 1\n".utf8) + previous
        func append(_ value: Int64) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }
        append(number)
        append(time.milliseconds)
        for text in [
            entry.actor, entry.face, entry.address, entry.operation, entry.target, entry.parameters, entry.refusal,
        ] {
            append(text.map { Int64($0.utf8.count) } ?? -1)
            if let text { bytes.append(contentsOf: text.utf8) }
        }
        return bytes
    }
}

/// Where the chain ends.
package struct AuditHead: Sendable, Equatable {
    /// The number of the last record; 0 without any.
    package var number: Int64
    /// Its hash; zero bytes without any.
    package var hash: [UInt8]
}

/// An entry on its way into the audit: it is written in the transaction of the change that it tells of, or not at all.
///
/// A class, so that a write without one, as every message is, is larger by one word only.
package final class AuditNote: Sendable {
    package let entry: AuditEntry
    /// SHA-256, which is not this target's business.
    let digest: @Sendable ([UInt8]) -> [UInt8]

    package init(_ entry: AuditEntry, digest: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.entry = entry
        self.digest = digest
    }
}
