// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

@testable import ManageCommands

/// What `doctor` refers to is there.
struct DoctorPageTests {
    /// A heading with the text below it.
    private struct Section {
        var name: String
        var text: String
    }

    private func sections(of text: Substring, level mark: String) -> [Section] {
        text.split(separator: "\n\(mark) ").dropFirst().map { section in
            Section(name: String(section.prefix { $0 != "\n" }), text: String(section.drop { $0 != "\n" }))
        }
    }

    /// The part "What doctor finds" of the page.
    private func page() throws -> Substring {
        let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let file = SettingsFile(path: "\(root)/docs/operations.md", choice: .option)
        let page = String(decoding: try #require(try file.read()), as: UTF8.self)
        let begin = try #require(page.firstRange(of: "\n## What doctor finds\n"))
        let rest = page[begin.upperBound...]
        let end = rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex
        return "\n" + Substring(String(rest[..<end]))
    }

    @Test func everyCheckHasItsSectionAndNoSectionIsStale() throws {
        let sections = try sections(of: page(), level: "###")

        #expect(sections.map(\.name).sorted() == DoctorCheck.Kind.allCases.map(\.rawValue).sorted())
        for section in sections { #expect(section.text.contains("."), "\(section.name) says nothing") }
    }

    /// The address that a finding ends with leads to a text about it and nothing else.
    @Test func everyFindingHasItsSectionAndNoSectionIsStale() throws {
        let sections = try sections(of: page(), level: "####")

        #expect(sections.map(\.name).sorted() == SettingsFinding.ID.allCases.map(\.rawValue).sorted())
        for section in sections { #expect(section.text.contains("."), "\(section.name) says nothing") }
        #expect(SettingsFinding.ID.keyUnknown.section == "docs/operations.md#key-unknown")
    }
}
