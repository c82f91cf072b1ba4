// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Something about the settings to know or to fix.
package struct SettingsFinding: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is.
    package enum Severity: String, Codable, Sendable {
        /// Nothing starts before this is fixed.
        case error
        /// It works, but probably not as meant.
        case warning
        /// Good to know.
        case note
    }

    package var id: ID
    /// How bad it is.
    package var severity: Severity
    /// The settings file, if it is about one.
    package var file: String?
    /// The line in the file, from 1.
    package var line: Int?
    /// `SECTION.KEY`, an environment variable or `[SECTION]`, if it is about one.
    package var key: String?
    /// What is wrong: a sentence without any secret.
    package var message: String
    /// What to do: a sentence.
    package var remedy: String

    package init(
        _ id: ID, _ severity: Severity, file: String? = nil, line: Int? = nil, key: String? = nil, message: String,
        remedy: String
    ) {
        self.id = id
        self.severity = severity
        self.file = file
        self.line = line
        self.key = key
        self.message = message
        self.remedy = remedy
    }

    /// Place, message and remedy in one line.
    ///
    /// `config.ini:12: [SERVER] PORT '99999' is outside of the range. Write a whole number, 0 to 65535.`
    package var description: String { Self.text(file: file, line: line, message: message, remedy: remedy) }

    /// The line for a finding with these parts.
    package static func text(file: String?, line: Int?, message: String, remedy: String) -> String {
        let place = file.map { file in line.map { "\(file):\($0): " } ?? "\(file): " } ?? ""
        return "\(place)\(message) \(remedy)"
    }
}

/// Why the settings cannot be loaded.
///
/// The description names file, line, key, what is wrong and what to do, and contains no secret.
package struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Sendable {
        /// The chosen file does not exist.
        case missingFile
        /// The file cannot be read or written.
        case unusableFile
        /// The file is no INI document.
        case syntax
        /// One or more values are wrong.
        case values
    }

    /// What kind of failure it is.
    package var code: Code
    /// What is wrong; at least one finding.
    package var findings: [SettingsFinding]

    /// The first ten findings, one per line.
    package var description: String {
        let lines = findings.prefix(10).map(\.description)
        let more =
            findings.count > 10 ? ["… and \(findings.count - 10) more. List them with 'manage config check'."] : []
        return (lines + more).joined(separator: "\n")
    }

    init(_ code: Code, _ findings: [SettingsFinding]) {
        self.code = code
        self.findings = findings
    }
}
