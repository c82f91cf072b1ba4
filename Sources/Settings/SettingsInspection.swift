// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

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
        var seen: [String: String] = [:]
        return (document?.sections ?? []).compactMap { section in
            let folded = section.name.uppercased()
            let shown = section.name.quotedForDisplay(quotes: false)
            if let first = seen.updateValue(section.name, forKey: folded), first != section.name {
                return warning(
                    section.line, key: "[\(shown)]", "The section [\(shown)] occurs in another spelling before.",
                    "Move its keys to one section."
                )
            }
            if folded == "SUPERUSER" {
                let password = document?.entry(section: section.name, names: SettingKey.superuserPassword.names)
                let isShipped = password?.value == Settings.Superuser.shippedPassword
                return SettingsFinding(
                    .note, file: file.path, line: section.line, key: "[\(shown)]",
                    message: "The section [SUPERUSER] is read for compatibility only and has no effect.",
                    remedy: isShipped
                        ? "Create an administrator with 'manage superuser-create', which refuses this password."
                        : "Create an administrator with 'manage superuser-create'."
                )
            }
            guard folded != "DEFAULT", !names.contains(folded) else { return nil }
            let meant = SpellingSuggestion.nearest(to: folded, among: names)
            return warning(
                section.line, key: "[\(shown)]", "The section [\(shown)] is unknown and has no effect.",
                meant.map { "Did you mean [\($0)]?" } ?? "The sections are listed in docs/configuration.md."
            )
        }
    }

    private func entryFindings() -> [SettingsFinding] {
        (document?.entries ?? []).compactMap { entry in
            let name = entry.name.uppercased()
            let shown = entry.name.quotedForDisplay(quotes: false)
            let path = "\(entry.section.quotedForDisplay(quotes: false)).\(shown)"
            let isDefault = entry.section == "DEFAULT"
            let section = SettingSection.all.first { isDefault || $0.name == entry.section.uppercased() }
            guard let section else { return nil }
            let keys = isDefault ? SettingKey.all : section.keys
            guard let key = keys.first(where: { $0.names.contains(name) }) else {
                return warning(
                    entry.line, key: path, "The key \(path) is unknown and has no effect.", remedy(name, in: section))
            }
            guard !isDefault, document?.entry(section: key.section, names: key.names)?.line != entry.line else {
                return nil
            }
            return warning(
                entry.line, key: path,
                "The key \(path) has no effect because \(key.path) is set under another spelling.",
                "Remove one of them."
            )
        }
    }

    private func remedy(_ name: String, in section: SettingSection) -> String {
        if let elsewhere = SettingKey.all.first(where: { $0.names.contains(name) }) {
            return "Did you mean \(elsewhere.path)?"
        }
        if let meant = SpellingSuggestion.nearest(to: name, among: section.keys.flatMap(\.names)) {
            return "Did you mean \(section.name).\(meant)?"
        }
        return "The keys of [\(section.name)] are \(section.keys.map(\.name).joined(separator: ", "))."
    }

    private func environmentFindings() -> [SettingsFinding] {
        let known = SettingKey.all.flatMap(\.environmentNames) + [SettingsFile.environmentName]
        let knownSet = Set(known)
        let unknown = environment.keys.filter { $0.hasPrefix("PARLEY_") && !knownSet.contains($0) }
        return unknown.sorted().map { name in
            let meant = SpellingSuggestion.nearest(to: name, among: known)
            return SettingsFinding(
                .warning, key: name.quotedForDisplay(quotes: false),
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
                entry.line, key: key.path, "The file contains a secret and every user of this machine can read it.",
                "Run chmod 600 on it."
            )
        ]
    }

    private func warning(_ line: Int, key: String, _ message: String, _ remedy: String) -> SettingsFinding {
        SettingsFinding(.warning, file: file.path, line: line, key: key, message: message, remedy: remedy)
    }
}
