// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Storage {
    /// The size of the database in bytes.
    package func databaseBytes() async throws(StorageError) -> Int64 {
        let statement = engine.dialect.databaseBytes
        return try await read(.chores) { connection in
            guard let row = try connection.rows(statement).first else {
                throw StorageError(.readFailed, "The database did not say how large it is. Try again.")
            }
            var reader = RowReader(row)
            return try reader.int()
        }
    }
}
