// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText

/// Looks for what is odd about settings that can be read: unknown keys, two spellings of one key, secrets that others
/// can read.
struct SettingsInspection {
    var file: SettingsFile
    var document: INIDocument?
    var environment: [String: String]

    func findings() -> [SettingsFinding] {
        sectionFindings() + entryFindings() + environmentFindings() + secretFindings()
    }

    private func sectionFindings() -> [SettingsFinding] {
        let names = SettingSection.all.map(\.name)
        var seen: [ExactText: ExactText] = [:]
        return (document?.sections ?? []).compactMap { section in
            let folded = ExactText(section.name.uppercased())
            let shown = section.name.quotedForDisplay(quotes: false)
            let written = ExactText(section.name)
            if let first = seen.updateValue(written, forKey: folded), first != written {
                return warning(
                    .sectionTwice, section.line, key: "[\(shown)]",
                    "The section [\(shown)] occurs in another spelling before.",
                    "Move its keys to one section."
                )
            }
            if folded == "SUPERUSER" {
                let password = document?.entry(section: section.name, names: SettingKey.superuserPassword.names)
                let isShipped = password?.value == Settings.Superuser.shippedPassword
                return SettingsFinding(
                    .superuserUnused, .note, file: file.path, line: section.line, key: "[\(shown)]",
                    message: "The section [SUPERUSER] is read for compatibility only and has no effect.",
                    remedy: isShipped
                        ? "Create an administrator with 'manage superuser-create', which refuses this password."
                        : "Create an administrator with 'manage superuser-create'."
                )
            }
            guard folded != "DEFAULT", Self.sections[folded] == nil else { return nil }
            let meant = SpellingSuggestion.nearest(to: folded.string, among: names)
            return warning(
                .sectionUnknown, section.line, key: "[\(shown)]",
                "The section [\(shown)] is unknown and has no effect.",
                meant.map { "Did you mean [\($0)]?" } ?? "The sections are listed in docs/configuration.md."
            )
        }
    }

    private func entryFindings() -> [SettingsFinding] {
        (document?.entries ?? []).compactMap { entry in
            let name = ExactText(entry.name.uppercased())
            let shown = entry.name.quotedForDisplay(quotes: false)
            let path = "\(entry.section.quotedForDisplay(quotes: false)).\(shown)"
            let isDefault = ExactText(entry.section) == "DEFAULT"
            let section = isDefault ? SettingSection.all.first : Self.sections[ExactText(entry.section.uppercased())]
            guard let section else { return nil }
            let known = Self.keys[name]?.first { isDefault || $0.section == section.name }
            guard let key = known else {
                return warning(
                    .keyUnknown, entry.line, key: path, "The key \(path) is unknown and has no effect.",
                    remedy(name, in: section))
            }
            guard !isDefault, document?.entry(section: key.section, names: key.names)?.line != entry.line else {
                return nil
            }
            return warning(
                .keyTwice, entry.line, key: path,
                "The key \(path) has no effect because \(key.path) is set under another spelling.",
                "Remove one of them."
            )
        }
    }

    /// The sections by their names, and the keys by each of their names, in the order of the documentation.
    private static let sections = Dictionary(uniqueKeysWithValues: SettingSection.all.map { (ExactText($0.name), $0) })
    private static let keys: [ExactText: [SettingKey]] = Dictionary(
        grouping: SettingKey.all.flatMap { key in key.names.map { (ExactText($0), key) } }, by: \.0
    ).mapValues { $0.map(\.1) }

    private func remedy(_ name: ExactText, in section: SettingSection) -> String {
        if let elsewhere = Self.keys[name]?.first { return "Did you mean \(elsewhere.path)?" }
        if let meant = SpellingSuggestion.nearest(to: name.string, among: section.keys.flatMap(\.names)) {
            return "Did you mean \(section.name).\(meant)?"
        }
        return "The keys of [\(section.name)] are \(section.keys.map(\.name).joined(separator: ", "))."
    }

    private func environmentFindings() -> [SettingsFinding] {
        let others = [SettingsFile.environmentName] + ClientVariables.all
        let known = SettingKey.all.flatMap(\.environmentNames) + others
        let knownSet = Set(known + SettingKey.all.flatMap(\.environmentFileNames))
        let unknown = environment.keys.filter { $0.hasPrefix("PARLEY_") && !knownSet.contains($0) }
        return unknown.sorted().map { name in
            let meant = SpellingSuggestion.nearest(to: name, among: known)
            return SettingsFinding(
                .variableUnknown, .warning, key: name.quotedForDisplay(quotes: false),
                message:
                    "The environment variable \(name.quotedForDisplay(quotes: false)) is unknown and has no effect.",
                remedy: meant.map { "Did you mean \($0)?" }
                    ?? "Unset it; the variables are listed in docs/configuration.md."
            )
        }
    }

    private func secretFindings() -> [SettingsFinding] {
        guard file.isReadableByOthers, let document else { return [] }
        let secret = SettingKey.all.lazy.filter { $0.use == .active }.compactMap {
            key -> (SettingKey, INIDocument.Entry)? in
            guard let entry = document.entry(section: key.section, names: key.names), !entry.value.isEmpty else {
                return nil
            }
            if key.isSecret { return (key, entry) }
            guard key.kind == .databaseURI,
                case .postgres(let location)? = try? DatabaseLocation(uri: entry.value, folder: file.folder)
            else { return nil }
            return location.password == nil ? nil : (key, entry)
        }.first
        guard let (key, entry) = secret else { return [] }
        return [
            warning(
                .secretReadable, entry.line, key: key.path,
                "The file contains a secret and every user of this machine can read it.",
                "Run chmod 600 on it."
            )
        ]
    }

    private func warning(
        _ id: SettingsFinding.ID, _ line: Int, key: String, _ message: String, _ remedy: String
    ) -> SettingsFinding {
        SettingsFinding(id, .warning, file: file.path, line: line, key: key, message: message, remedy: remedy)
    }
}
