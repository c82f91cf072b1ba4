// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

extension SQLiteDialect {
    /// What backups ask about tables.
    static let tables = TableDialect(
        columns: """
            SELECT name,
                CASE upper(type) WHEN 'INTEGER' THEN 'int' WHEN 'TEXT' THEN 'text' WHEN 'BLOB' THEN 'bytes'
                    ELSE type END, pk
            FROM pragma_table_xinfo($1)
            WHERE hidden = 0
            ORDER BY cid
            """,
        byteOrder: "",
        sizes: """
            SELECT t.value,
                (SELECT coalesce(sum(s.pgsize), 0) FROM dbstat s
                WHERE s.aggregate = TRUE AND s.name IN (
                    SELECT m.name FROM sqlite_master m WHERE m.tbl_name = t.value OR m.tbl_name GLOB t.value || '_*'))
            FROM json_each($1) t
            ORDER BY t.value
            """,
        freeBytes: """
            SELECT (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size)
            """,
        integrity: """
            SELECT quick_check FROM pragma_quick_check(20) WHERE quick_check <> 'ok'
            UNION ALL
            SELECT 'Table ' || "table" || ' refers to rows of ' || parent || ' that are missing'
            FROM pragma_foreign_key_check
            GROUP BY "table", parent
            """,
        // The engine takes the highest number that there is.
        continueNumbers: nil)
}
