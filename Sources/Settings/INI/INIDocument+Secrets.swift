// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension INIDocument {
    /// The document without secrets: the settings that hold none, and the database's address without its password.
    ///
    /// Comments and keys that are no settings are left out, since a password that was tried once stands there.
    ///
    /// - Parameter folder: What relative paths count from.
    /// - Returns: The settings that may be shown.
    /// - Throws: `INIError` when a document cannot be made of what is left.
    package func withoutSecrets(folder: String) throws(INIError) -> INIDocument {
        // Words after the bracket of a header mean nothing.
        let headers = Dictionary(uniqueKeysWithValues: sections.map { ($0.line - 1, $0.name) })
        var kept: Set<Int> = []
        let settings = Self.settings
        for entry in entries {
            guard let keys = settings[ININame(section: entry.section, key: entry.name)],
                !keys.contains(where: { Self.isSecret(entry.value, of: $0, folder: folder) })
            else { continue }
            kept.formUnion(entry.lines.filter { !lines[$0].isComment })
        }
        var bytes: [UInt8] = []
        for (index, line) in lines.enumerated() {
            if let name = headers[index] {
                bytes += Array("[\(name)]".utf8) + line.ending
            } else if kept.contains(index) || line.firstByte == nil {
                bytes += line.bytes + line.ending
            }
        }
        var document = try INIDocument(bytes: bytes)
        for key in SettingKey.all where key.kind == .databaseURI {
            guard let entry = entry(section: key.section, names: key.names),
                Self.isSecret(entry.value, of: key, folder: folder),
                case .postgres(var location)? = try? DatabaseLocation(uri: entry.value, folder: folder)
            else { continue }
            location.password = nil
            location.parameters.removeAll { $0.name == "sslpassword" }
            try document.set(section: key.section, names: key.names, to: location.description)
        }
        return document
    }

    /// What may stand in a file; `[DEFAULT]` has the keys of all sections.
    private static var settings: [ININame: [SettingKey]] {
        var found: [ININame: [SettingKey]] = [:]
        for key in SettingKey.all {
            for name in key.names {
                found[ININame(section: key.section, key: name), default: []].append(key)
                found[ININame(section: "default", key: name), default: []].append(key)
            }
        }
        return found
    }

    private static func isSecret(_ value: String, of key: SettingKey, folder: String) -> Bool {
        guard key.mayHoldSecret else { return false }
        guard key.kind == .databaseURI, let location = try? DatabaseLocation(uri: value, folder: folder) else {
            return true
        }
        guard case .postgres(let place) = location else { return false }
        return place.holdsSecret
    }
}

extension INIDocument.Line {
    /// The first byte that is no white space.
    fileprivate var firstByte: UInt8? { bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } }

    fileprivate var isComment: Bool { firstByte == UInt8(ascii: "#") || firstByte == UInt8(ascii: ";") }
}
