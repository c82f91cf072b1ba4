// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Why an archive cannot be written or read: a sentence without secrets.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
    /// For branching.
    package enum Code: Sendable, Equatable {
        /// The archive is torn, was changed, or is none of ours.
        case damaged
        /// A newer program made the archive.
        case newer
        /// The database has data already.
        case notEmpty
        /// The file that is to be written exists.
        case exists
        /// The file that is to be read does not exist.
        case missing
        /// A file, pipe or disk failed.
        case inputOutput
    }

    package var code: Code
    package var description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    static func damaged(_ what: String) -> ArchiveError {
        ArchiveError(.damaged, "The archive is damaged: \(what).")
    }
}

/// Brings errors of ours through transactions of the store, which know only their own.
final class CarriedError: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    /// Runs what happens within the transaction.
    func carrying<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch {
            self.error.withLock { $0 = error }
            throw error
        }
    }

    /// Runs the transaction.
    func unpacking<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch { throw self.error.withLock { $0 } ?? error }
    }
}
