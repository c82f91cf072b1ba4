// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

extension PostgresDialect {
    /// What backups ask about tables.
    static let tables = TableDialect(
        columns: """
            SELECT a.attname,
                CASE a.atttypid
                    WHEN 'bigint'::regtype THEN 'int' WHEN 'text'::regtype THEN 'text'
                        WHEN 'bytea'::regtype THEN 'bytes'
                    ELSE a.atttypid::regtype::text
                END,
                coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)
            FROM pg_attribute a
            LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
            WHERE a.attrelid = (
                    SELECT c.oid FROM pg_class c
                    WHERE c.relname = $1 AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace)
                AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            ORDER BY a.attnum
            """,
        byteOrder: #"COLLATE "C""#,
        sizes: """
            SELECT c.relname, pg_total_relation_size(c.oid)
            FROM pg_class c
            JOIN json_array_elements_text($1::json) t ON t.value = c.relname
            WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
            ORDER BY c.relname
            """,
        freeBytes: nil,
        // The engine keeps its constraints, and has no check of its pages that a user may run.
        integrity: "SELECT '' WHERE false",
        // Of a table that the engine does not number there is no sequence, and nothing happens.
        continueNumbers: { table, key in
            """
            SELECT setval(pg_get_serial_sequence('\(table)', '\(key)'), highest)
            FROM (SELECT max(\(key)) AS highest FROM \(table)) m
            WHERE highest IS NOT NULL
            """
        })
}
