// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import StorageSQLite

@testable import Storage

/// What is wrong with a database after reading every page and index; empty if nothing is.
func integrityProblems(of engine: SQLiteEngine) async throws(StorageError) -> [String] {
    do {
        let lines = try await engine.read { connection in try connection.rows("PRAGMA quick_check(20)") }
        return lines == [[.text("ok")]] ? [] : lines.map { "\($0)" }
    } catch {
        // Damage that even the check stumbles over.
        guard error.code == .unusable else { throw error }
        return [error.cause ?? error.message]
    }
}
