// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SQLiteDialect {
    /// The search index goes into a file of its own; what it is to forget stays in the log's.
    static let search = [
        "DROP TABLE message_search",
        "DROP TABLE search_head",
        "CREATE TABLE search_removals (position INTEGER PRIMARY KEY)",
    ]

    /// The tables of the search index's own file, which is made anew whenever they are not these.
    static let searchTables = [
        """
        CREATE TABLE search_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            position INTEGER NOT NULL,
            event BLOB NULL,
            step INTEGER NOT NULL,
            is_swept INTEGER NOT NULL
        )
        """,
        "INSERT INTO search_head (id, position, event, step, is_swept) VALUES (1, 0, NULL, 0, 1)",
        searchTable,
    ]

    /// The words come with one space between two, and this tokenizer cuts nothing but there; a query asks for single
    /// words, so their places in a message are not kept (`detail`), nor is how many there are (`columnsize`).
    static let searchTable =
        "CREATE VIRTUAL TABLE message_search USING fts5 (text, tokenize = 'ascii', detail = none, columnsize = 0)"
}
