// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText
import Glibc

/// Who runs an operation, from where, and what they may do.
package struct OperationActor: Codable, Sendable, Equatable {
    /// Through what an operation was asked for.
    package enum Face: String, Codable, Sendable, CaseIterable {
        /// A command that works on the store itself, because no server runs.
        case cli
        /// The admin socket of a running server.
        case socket
        /// The HTTP API.
        case api
        /// The admin panel.
        case web
    }

    /// Which operations an actor may run.
    package enum Scope: String, Codable, Sendable, CaseIterable {
        /// Those that only look.
        case read
        /// Those that change something, too.
        case write

        /// Reads the word.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let scope = Self(word: try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no scope")
            }
            self = scope
        }
    }

    /// The administrator's name; for `cli` and `socket` the user of the operating system.
    package var name: String
    /// Through what the operation was asked for.
    package var face: Face
    /// The peer's address for `api` and `web`, otherwise `nil`.
    package var address: String?
    /// What the actor may do.
    package var scope: Scope

    package init(name: String, face: Face, address: String? = nil, scope: Scope = .write) {
        self.name = name
        self.face = face
        self.address = address
        self.scope = scope
    }

    /// A user of the operating system, as the kernel names it.
    package static func systemUser(_ id: UInt32, through face: Face) -> OperationActor {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        var found: UnsafeMutablePointer<passwd>?
        let isKnown = getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0 && found != nil
        let name = isKnown ? entry.pw_name.map { String(cString: $0) } : nil
        return OperationActor(name: name ?? "uid \(id)", face: face)
    }

    /// A command whose user is not known, who may do everything.
    package static let unknown = OperationActor(name: "unknown", face: .cli)
}
