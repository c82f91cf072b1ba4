// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Storage
import Synchronization

/// The lock on `DATABASE.lock` that says which process the database belongs to: a running server, or one command.
///
/// Kept as long as the value lives, or until it is released; the kernel releases it when the process dies in whatever
/// way.
package final class DatabaseLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: `.unavailable` if another process holds it, `.unusable` if the file cannot be made.
    package init(databasePath: String) throws(StorageError) {
        let path = databasePath + ".lock"
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw StorageError(
                .unusable,
                "The lock file '\(path)' cannot be made (\(String(cString: strerror(errno)))). Check that its folder "
                    + "exists and that this user may write there."
            )
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            Glibc.close(opened)
            throw StorageError(
                .unavailable,
                "The database '\(databasePath)' is in use by another Parley process. Stop it, or use its admin socket.",
                cause: String(cString: strerror(reason)))
        }
        descriptor = Mutex(opened)
    }

    deinit {
        release()
    }

    /// Lets other processes have the database; it must be closed.
    ///
    /// Closing the file would not do: a program that another thread starts just now has a copy of the descriptor until
    /// it runs, and the lock is held as long as one copy is open.
    package func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        guard let held else { return }
        _ = flock(held, LOCK_UN)
        Glibc.close(held)
    }
}
