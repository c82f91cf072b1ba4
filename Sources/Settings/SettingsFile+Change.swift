// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    /// Reads a new value as the server will read it.
    ///
    /// - Parameters:
    ///   - text: The value as it stands in the file; an empty one unsets a key that has no default.
    ///   - folder: What relative paths count from.
    /// - Returns: The value; `nil` for an empty one that unsets the key.
    /// - Throws: `SettingValueError` that says what a value has to be.
    package func value(of text: String, folder: String) throws(SettingValueError) -> SettingValue? {
        text.isEmpty && defaultText == nil ? nil : try kind.parse(text, folder: folder)
    }
}

extension SettingsFile {
    /// What a change has made of the file.
    package struct Change: Sendable {
        /// The line of the key, from 1.
        package var line: Int?
        /// Whether there was no file before.
        package var isNew: Bool
    }

    /// Puts a value into the file, where comments and order stay; a file that is missing begins as the example.
    ///
    /// The value is to be read with ``SettingKey/value(of:folder:)`` first.
    package func set(_ key: SettingKey, to text: String) throws -> Change {
        var document = try document() ?? INIDocument(SettingsDocumentation.exampleFile())
        try document.set(section: key.section, names: key.names, to: text)
        let isNew = !exists
        try write(document.bytes)
        return Change(line: document.entry(section: key.section, names: key.names)?.line, isNew: isNew)
    }

    /// Takes a value out of the file, so that its default applies.
    ///
    /// - Returns: Whether the file had it.
    package func unset(_ key: SettingKey) throws(SettingsError) -> Bool {
        guard var document = try document(), document.remove(section: key.section, names: key.names) else {
            return false
        }
        try write(document.bytes)
        return true
    }
}
