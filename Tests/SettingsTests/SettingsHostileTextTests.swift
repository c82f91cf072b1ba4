// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import Testing

@testable import Settings

struct SettingsHostileTextTests {
    private static func files(_ text: String) -> [String] {
        [
            "[\(text)]\nPORT = 1\n", "[\(text)]\n[\(text)b]\nPORT = 1\n", "[SERVER]\n\(text) = 1\n",
            "[SERVER]\n\(text) = 1\n\(text)b = 2\n", "[SERVER]\nPORT = \(text)\n", "[SERVER]\nPORT = 1\n  \(text)\n",
            "[SERVER]\n; \(text) = 1\n", "[\(text)]\n\(text) = \(text)\n  \(text)\n", "[DEFAULT]\n\(text) = 1\n",
        ]
    }

    @Test func documentComparesNamesByTheirBytes() throws {
        for index in Self.files("").indices {
            let slowdown = try HostileText.slowdown { text in
                var document = try INIDocument(Self.files(text)[index])
                for key in SettingKey.all { _ = document.entry(section: key.section, names: key.names) }
                try document.set(section: "SERVER", names: ["HOST"], to: "h")
                try document.set(section: "SERVER", names: ["HOST"], to: text)
                #expect(document.entry(section: "SERVER", names: ["HOST"])?.value.utf8.count == text.utf8.count)
            }
            #expect(slowdown < HostileText.tolerance, "\(Self.files("X")[index])")
        }
    }

    @Test func loadingComparesNamesAndValuesByTheirBytes() throws {
        for index in Self.files("").indices {
            let slowdown = try HostileText.slowdown { text in
                let inspection = SettingsInspection(
                    file: SettingsFile(path: "/nowhere/config.ini", choice: .option),
                    document: try INIDocument(Self.files(text)[index]), environment: [:])
                _ = inspection.findings()
            }
            #expect(slowdown < HostileText.tolerance, "\(Self.files("X")[index])")
        }
    }

    @Test func everyKindOfValueIsBounded() {
        for key in SettingKey.all {
            let slowdown = HostileText.slowdown { text in
                guard text.utf8.count > 1 else { return }
                #expect(throws: SettingValueError.self, "\(key.path)") { try key.kind.parse(text, folder: "/") }
            }
            #expect(slowdown < HostileText.tolerance, "\(key.path)")
        }
    }

    /// Each of these spellings of a section may have the same key.
    @Test func manySpellingsOfASectionTakeTimeInProportion() throws {
        func document(_ count: Int) throws -> INIDocument {
            let spellings = (0..<count).map { number in
                String("SERVERSECTION".enumerated().map { number >> $0 & 1 == 1 ? Character($1.lowercased()) : $1 })
            }
            return try INIDocument(spellings.map { "[\($0)]\nPORT = 1\n" }.joined())
        }
        let (few, many) = (try document(100), try document(1600))
        func look(_ document: INIDocument) {
            for entry in document.entries {
                #expect(document.entry(section: entry.section, names: [entry.name])?.line == entry.line)
            }
        }

        let ratio = HostileText.ratio({ look(many) }, to: { for _ in 0..<16 { look(few) } })

        #expect(ratio < 8)
    }
}
