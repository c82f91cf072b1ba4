// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc
import Storage

/// What SQLite's error codes mean.
enum SQLiteFailure {
    /// What was being done when it failed.
    enum Phase {
        case read
        /// A statement of a transaction, before its COMMIT.
        case write
        case commit
    }

    /// `systemError` is the `errno` of the last failed system call, 0 if that is not known.
    static func storageError(
        _ error: any Error, path: String?, during phase: Phase, systemError: Int32 = 0
    ) -> StorageError {
        if let error = error as? StorageError { return error }
        guard let error = error as? DatabaseError else {
            return StorageError(
                error is CancellationError ? .unavailable : phase == .read ? .readFailed : .writeFailed,
                unexplained(path, phase), cause: String(reflecting: error))
        }
        return storageError(
            code: error.extendedResultCode.rawValue, message: error.message ?? "", path: path, during: phase,
            systemError: systemError)
    }

    /// What a result code means.
    static func storageError(
        code: Int32, message: String, path: String?, during phase: Phase, systemError: Int32 = 0
    ) -> StorageError {
        let reason = systemError == 0 ? "" : ", errno \(systemError)"
        let cause = "SQLite \(code): \(message)\(reason)"
        let extended = ResultCode(rawValue: code)
        switch extended {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            // "UNIQUE constraint failed: users.login_key"
            let constraint = message.split(separator: ": ").last.map(String.init) ?? ""
            return StorageError(.conflict(constraint: constraint), "The same entry is there already.", cause: cause)
        default: break
        }
        if phase != .read, let failure = diskFailure(extended, cause, path, phase, systemError) { return failure }
        let path = path ?? ":memory:"
        switch extended.primaryResultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return StorageError(
                .unavailable, "The database '\(path)' is locked by another program. Try again when it has ended.",
                cause: cause)
        case .SQLITE_NOTADB:
            return StorageError(
                .unusable, "'\(path)' is not an SQLite database. Name another file in [DATABASE] URI.", cause: cause)
        case .SQLITE_CORRUPT:
            return StorageError(
                .unusable, "The database '\(path)' is corrupt. Stop the server and restore it from a backup.",
                cause: cause)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            return StorageError(
                .unusable,
                "The database '\(path)' is read-only. Give this user the right to write to it and its folder.",
                cause: cause)
        case .SQLITE_CANTOPEN:
            return StorageError(
                .unusable,
                "The database '\(path)' cannot be opened. Check that its folder exists and that this user may write "
                    + "there.",
                cause: cause)
        case .SQLITE_FULL:
            return StorageError(.full, "The disk is full: '\(path)' cannot grow. Free some space.", cause: cause)
        case .SQLITE_ERROR where message.hasPrefix("no such table") || message.hasPrefix("no such column"):
            return StorageError(
                .needsMigration, "The database has not all its tables. Run 'manage db migrate'.", cause: cause)
        case .SQLITE_MISUSE:
            return StorageError(.unavailable, "The database is closed.", cause: cause)
        default:
            return StorageError(
                phase == .read ? .readFailed : .writeFailed, unexplained(path, phase), cause: cause)
        }
    }

    private static func unexplained(_ path: String?, _ phase: Phase) -> String {
        "The database '\(path ?? ":memory:")' could not be \(phase == .read ? "read" : "written"). See the log for "
            + "details."
    }

    // MARK: The disk

    /// What a failure of the disk under a transaction means; `nil` for anything else.
    ///
    /// A transaction is in the write-ahead log when its last frame is. Without space that frame is not whole, so a full
    /// disk undoes the transaction. After any other failure the frame may be on the disk, or a page that was on it
    /// before may be gone: the system drops what it could not flush, and a second flush would succeed.
    private static func diskFailure(
        _ code: ResultCode, _ cause: String, _ path: String?, _ phase: Phase, _ systemError: Int32
    ) -> StorageError? {
        let path = path ?? ":memory:"
        let full = StorageError(.full, "The disk is full: '\(path)' cannot grow. Free some space.", cause: cause)
        let unknown = StorageError(
            .commitUnknown, "The database '\(path)' could not finish a commit. Check whether it was committed.",
            cause: cause)
        switch code {
        case .SQLITE_FULL: return full
        case .SQLITE_IOERR_WRITE where [ENOSPC, EDQUOT, EFBIG].contains(systemError): return full
        // Not the file itself: the memory that connections share, locks, and our own memory.
        case .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_SHMOPEN, .SQLITE_IOERR_SHMMAP:
            return phase == .commit ? unknown : full
        case .SQLITE_IOERR_NOMEM, .SQLITE_IOERR_LOCK, .SQLITE_IOERR_UNLOCK, .SQLITE_IOERR_RDLOCK, .SQLITE_IOERR_SHMLOCK,
            .SQLITE_NOMEM:
            return phase == .commit ? unknown : nil
        case .SQLITE_CORRUPT_VTAB: return nil
        default: break
        }
        switch code.primaryResultCode {
        case .SQLITE_IOERR:
            return StorageError(
                .inDoubt,
                """
                The disk failed while '\(path)' was written. Everything acknowledged before is kept, and nothing more \
                is acknowledged. Check the disk, then start again.
                """, cause: cause)
        case .SQLITE_CORRUPT:
            return StorageError(
                .inDoubt,
                "The database '\(path)' is corrupt, and nothing more is acknowledged. Restore it from a backup.",
                cause: cause)
        default: return nil
        }
    }
}
