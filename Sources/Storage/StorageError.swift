// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why the store could not do what it was asked.
///
/// `description` is safe to show to a client; logs use `String(reflecting:)`, which adds the cause.
package struct StorageError: Error, Sendable {
    /// For branching.
    package enum Code: Sendable, Equatable {
        /// What a command or request named is not there.
        case notFound
        /// A unique constraint refused the row; `constraint` names columns or index as the engine does.
        case conflict(constraint: String)
        case readFailed
        /// A write failed and left nothing behind.
        case writeFailed
        /// COMMIT got no answer: the transaction may or may not have happened.
        case commitUnknown
        /// The disk has no space left: nothing was written, and writing works again once there is space.
        case full
        /// The disk failed or the file is corrupt: what was acknowledged is kept, and nothing more may be acknowledged.
        ///
        /// A transaction that met it may or may not have happened. The process has to end.
        case inDoubt
        /// The database cannot be reached, is locked by another process, or the pool is exhausted.
        case unavailable
        /// The file or database is not usable as it is: not a Parley database, corrupt, read-only.
        case unusable
        /// The schema is older than the program: `manage db migrate` fixes it.
        case needsMigration
        /// The schema is newer than the program, or has migrations that the program does not know.
        case newerThanProgram
    }

    package var code: Code
    /// One sentence: what failed and what to do about it.
    ///
    /// No SQL, no secrets.
    package var message: String
    /// What the engine said, for the log.
    package var cause: String?
    /// Where in our code the failure was noticed.
    package var location: String

    package init(
        _ code: Code, _ message: String, cause: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.location = "\(fileID):\(line)"
    }
}

extension StorageError {
    /// What a closure threw.
    ///
    /// Swift infers no typed error for a closure, so functions that run one take `() throws` and convert here. Anything
    /// but a `StorageError`, which the store's own closures throw, is told as its cause.
    package init(thrown error: any Error) {
        self =
            error as? StorageError
            ?? StorageError(.readFailed, "The database request failed.", cause: String(reflecting: error))
    }
}

extension StorageError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { message }
    package var debugDescription: String {
        let file = location.split(separator: "/").last ?? ""
        return "\(message) (\(code); \(cause ?? "no cause known"); \(file))"
    }
}
