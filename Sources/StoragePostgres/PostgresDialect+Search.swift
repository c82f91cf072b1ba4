// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension PostgresDialect {
    /// Which event the search index has reached, how often it was changed, and what it is to forget.
    static let search = [
        "ALTER TABLE search_head ADD COLUMN event bytea NULL",
        "ALTER TABLE search_head ADD COLUMN step bigint NOT NULL DEFAULT 0",
        "CREATE TABLE search_removals (position bigint PRIMARY KEY)",
    ]
}
