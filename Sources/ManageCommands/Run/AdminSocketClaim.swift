// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Transport

/// A server's claim on the path of its admin socket where the database has no lock: with PostgreSQL several servers
/// share it.
///
/// Its holder may remove what a killed server left behind, because no other server can just be starting there. It
/// is kept as long as the value lives; the kernel releases it when the process dies in whatever way.
final class AdminSocketClaim: Sendable {
    private let descriptor: Int32

    /// - Returns: `nil` when another server has it, or when the folder is missing: then there is nothing to remove.
    private init?(path: String) {
        let opened = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { return nil }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(opened)
            return nil
        }
        descriptor = opened
    }

    deinit {
        // A child of another thread may have a copy of the descriptor, between its fork and its exec.
        _ = flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    /// Claims the path that the settings name and removes a socket on which no server listens any more.
    ///
    /// - Returns: What is to be kept until the server has ended; `nil` when there is nothing to claim.
    static func make(_ settings: Settings) async -> AdminSocketClaim? {
        // The lock of an SQLite file does this work.
        guard case .postgres = settings.database.location else { return nil }
        let path = settings.admin.socket
        guard let claim = AdminSocketClaim(path: path) else { return nil }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return claim }
        do {
            try await AdminSocketClient.connect(path: path) { _ in }
        } catch let error as AdminSocketError where error.code == .notRunning {
            unlink(path)
        } catch {
            // A server listens, or has no time; the server says so when it takes the path.
        }
        return claim
    }
}
