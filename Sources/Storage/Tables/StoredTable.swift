// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A table as the database itself describes it, with the columns that are stored.
///
/// Both engines describe the same schema alike: the columns of the key come first, the others follow by name.
package struct StoredTable: Sendable, Equatable {
    /// One stored column.
    package struct Column: Sendable, Equatable {
        package var name: String
        package var type: SQLType

        package init(_ name: String, _ type: SQLType) {
            self.name = name
            self.type = type
        }
    }

    package var name: String
    package var columns: [Column]
    /// How many columns, from the first one on, are the primary key.
    ///
    /// Rows are read in its order.
    package var keyCount: Int

    package init(name: String, columns: [Column], keyCount: Int) {
        self.name = name
        self.columns = columns
        self.keyCount = keyCount
    }

    /// The table as if it had no such column, which must not belong to the key.
    package func without(_ column: String) -> StoredTable {
        StoredTable(name: name, columns: columns.filter { $0.name != column }, keyCount: keyCount)
    }

    var key: ArraySlice<Column> { columns[..<keyCount] }
    var columnList: String { columns.map(\.name).joined(separator: ", ") }
}

extension SQLDialect {
    /// All tables of the schema, each after those that it refers to.
    package var tables: [String] {
        dropAllTables.reversed().compactMap { $0.split(separator: " ").last.map { String($0) } }
    }
}

/// The statements about tables whose text differs between engines.
package struct TableDialect: Sendable {
    /// Rows of name, type (`int`, `text`, `bytes`) and place in the primary key (from 1; 0: outside) for each stored
    /// column.
    ///
    /// `$1` is the table's name. Without rows there is no such table.
    package var columns: String
    /// What makes an engine compare a text by its bytes, as both then do alike.
    package var byteOrder: String
    /// Rows of table and bytes on the disk with indexes, for every table that `$1`, a JSON array of names, has.
    package var sizes: String
    /// Bytes of the database that can be used again without growing; `nil` if the engine does not say.
    package var freeBytes: String?
    /// Rows of a text for each thing that the engine itself finds wrong.
    package var integrity: String
    /// The statement that lets the engine continue from the highest number in a table, by the names of table and key.
    ///
    /// `nil` when it does so by itself.
    package var continueNumbers: (@Sendable (_ table: String, _ key: String) -> String)?

    package init(
        columns: String, byteOrder: String, sizes: String, freeBytes: String?, integrity: String,
        continueNumbers: (@Sendable (_ table: String, _ key: String) -> String)?
    ) {
        self.columns = columns
        self.byteOrder = byteOrder
        self.sizes = sizes
        self.freeBytes = freeBytes
        self.integrity = integrity
        self.continueNumbers = continueNumbers
    }
}

extension SQLConnection {
    /// The table of this name; `nil` when there is none.
    func table(_ name: String, dialect: SQLDialect) throws(StorageError) -> StoredTable? {
        var key: [(place: Int64, column: StoredTable.Column)] = []
        var others: [StoredTable.Column] = []
        for row in try rows(dialect.table.columns, [.text(name)]) {
            var reader = RowReader(row)
            let column = StoredTable.Column(try reader.text(), try SQLType(word: reader.text()))
            let place = try reader.int()
            if place > 0 { key.append((place, column)) } else { others.append(column) }
        }
        if key.isEmpty { return nil }
        let columns = key.sorted { $0.place < $1.place }.map(\.column) + others.sorted { $0.name < $1.name }
        return StoredTable(name: name, columns: columns, keyCount: key.count)
    }
}

extension SQLType {
    /// The name of the type in archives.
    package var word: String {
        switch self {
        case .int: "int"
        case .text: "text"
        case .bytes: "bytes"
        }
    }

    init(word: String) throws(StorageError) {
        switch word {
        case "int": self = .int
        case "text": self = .text
        case "bytes": self = .bytes
        default:
            throw StorageError(
                .unusable, "A column of the database has a type that Parley does not use.", cause: word)
        }
    }
}
