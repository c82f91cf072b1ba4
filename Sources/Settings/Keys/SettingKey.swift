// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One key of the settings: its names, type, default and documentation.
///
/// The table of all keys is `SettingSection.all`.
package struct SettingKey: Sendable, Hashable {
    /// What becomes of the value.
    package enum Use: Sendable {
        /// The server uses it.
        case active
        /// It is read so that a settings file of the reference server loads, and has little or no effect here.
        case compatibility
    }

    /// The section, in capitals.
    package let section: String
    /// The key, in capitals.
    package let name: String
    /// Other spellings that mean the same key.
    package let aliases: [String]
    /// The type, with its range and unit.
    package let kind: SettingKind
    /// The default as it would be written in the file; `nil` when the key is unset by default.
    package let defaultText: String?
    /// What applies when the key is unset, for a key without a default.
    package let unsetMeaning: String?
    /// What the key does: whole sentences.
    package let summary: String
    /// Whether the value must never be shown.
    package let isSecret: Bool
    /// Whether the value has an effect.
    package let use: Use

    init(
        _ section: String, _ name: String, aliases: [String] = [], _ kind: SettingKind,
        default defaultText: String? = nil,
        unset unsetMeaning: String? = nil, secret isSecret: Bool = false, use: Use = .active, _ summary: String
    ) {
        self.section = section
        self.name = name
        self.aliases = aliases
        self.kind = kind
        self.defaultText = defaultText
        self.unsetMeaning = unsetMeaning
        self.summary = summary
        self.isSecret = isSecret
        self.use = use
    }

    /// `SECTION.KEY`, as `config set` takes it.
    package var path: String { "\(section).\(name)" }
    /// The name followed by its other spellings.
    package var names: [String] { [name] + aliases }
    /// The environment variables that set the key; the first is the documented one.
    package var environmentNames: [String] { names.map { "PARLEY_\(section)_\($0)" } }
    /// Whether the value is a secret or may contain one, such as a password in a database's address.
    package var mayHoldSecret: Bool { isSecret || kind == .databaseURI }

    var components: [String] { [section.lowercased(), name.lowercased()] }

    /// Keys are equal when they have the same section and name.
    package static func == (left: SettingKey, right: SettingKey) -> Bool {
        left.section == right.section && left.name == right.name
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(section)
        hasher.combine(name)
    }

    /// The key that `SECTION.KEY` names, without regard to case; other spellings count.
    package static func named(_ path: String) -> SettingKey? {
        let parts = path.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map { $0.uppercased() }
        guard parts.count == 2 else { return nil }
        return all.first { $0.section == parts[0] && $0.names.contains(parts[1]) }
    }

    /// Every key, in the order of the documentation.
    package static let all: [SettingKey] = SettingSection.all.flatMap(\.keys)
}

/// A section of the settings with its keys.
package struct SettingSection: Sendable {
    /// The name, in capitals.
    package let name: String
    /// What the section is about: whole sentences.
    package let summary: String
    /// The keys in the order of the documentation.
    package let keys: [SettingKey]
}
