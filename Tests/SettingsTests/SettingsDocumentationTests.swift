// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

/// Files of the source tree, found from this file.
enum SourceTree {
    static func path(_ relative: String, file: String = #filePath) -> String {
        let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/\(relative)"
    }

    /// Compares a text with a file; with RECORD_SNAPSHOTS=1 it writes the file and records an issue all the same.
    static func expect(_ text: String, isContentOf relative: String) throws {
        let file = SettingsFile(path: path(relative), choice: .option)
        if getenv("RECORD_SNAPSHOTS") != nil {
            try file.write(Array(text.utf8))
            chmod(file.path, 0o644)
            Issue.record("\(relative) has been written; run again without RECORD_SNAPSHOTS.")
            return
        }
        let content = try file.read().map { String(decoding: $0, as: UTF8.self) }
        #expect(content == text, "Run with RECORD_SNAPSHOTS=1 to write \(relative) anew.")
    }
}

struct SettingsDocumentationTests {
    @Test func exampleFileFollowsFromTheTable() throws {
        try SourceTree.expect(SettingsDocumentation.exampleFile(), isContentOf: "example_config.ini")
    }

    @Test func pageFollowsFromTheTable() throws {
        try SourceTree.expect(SettingsDocumentation.page(), isContentOf: "docs/configuration.md")
    }

    @Test func exampleFileSaysNothingUntilTheSemicolonsAreTakenOff() throws {
        let folder = try TemporaryFolder()
        let example = SettingsDocumentation.exampleFile()
        try folder.write(example, to: "config.ini")
        let active = example.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(";") ? String($0.dropFirst()) : String($0) }.joined(separator: "\n")
        try folder.write(active, to: "active.ini")

        let asShipped = try Settings.load(environment: [:], currentFolder: folder.path)
        let allSet = try Settings.load(file: "active.ini", environment: [:], currentFolder: folder.path)

        #expect(asShipped.values().allSatisfy { $0.source == .standard })
        #expect(asShipped.findings.isEmpty)
        #expect(allSet.values().map(\.text) == asShipped.values().map(\.text))
        #expect(allSet.values().allSatisfy { $0.source != .standard })
        #expect(allSet.findings.filter { $0.severity != .note }.isEmpty)
    }

    @Test func exampleFileTakesEveryKeyAtItsCommentedLine() throws {
        for key in SettingKey.all where key.use == .active {
            var document = try INIDocument(SettingsDocumentation.exampleFile())

            try document.set(section: key.section, names: key.names, to: key.defaultText ?? "x")

            let lines = String(decoding: document.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            let line = try #require(lines.firstIndex(of: "\(key.name) = \(key.defaultText ?? "x")"))
            #expect(lines[line - 1].hasPrefix(";\(key.name) ="))
        }
    }

    @Test func noTwoEnvironmentNamesCollide() {
        let names = SettingKey.all.flatMap(\.environmentNames) + [SettingsFile.environmentName]

        #expect(Set(names).count == names.count)
    }

    @Test func noTwoSpellingsOfASectionCollide() {
        for section in SettingSection.all {
            let names = section.keys.flatMap(\.names)

            #expect(Set(names).count == names.count)
            #expect(section.keys.allSatisfy { $0.section == section.name })
        }
    }

    @Test func keyIsFoundByItsPathInAnySpelling() {
        #expect(SettingKey.named("server.port") == .serverPort)
        #expect(SettingKey.named("HASH_SIZE.PASSWORD") == .hashPasswordSize)
        #expect(SettingKey.named("PORT") == nil)
        #expect(SettingKey.named("SERVER.") == nil)
    }
}
