// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

@testable import ManageCommands

/// What `doctor` refers to is there.
struct DoctorPageTests {
    /// The sections of "What doctor finds", each with its text.
    private func sections() throws -> [(name: String, text: String)] {
        let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let file = SettingsFile(path: "\(root)/docs/operations.md", choice: .option)
        let page = String(decoding: try #require(try file.read()), as: UTF8.self)
        let begin = try #require(page.firstRange(of: "\n## What doctor finds\n"))
        let rest = page[begin.upperBound...]
        let part = rest[..<(rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex)]
        return part.split(separator: "\n### ").dropFirst().map { section in
            (String(section.prefix { $0 != "\n" }), String(section.drop { $0 != "\n" }))
        }
    }

    @Test func everyCheckHasItsSectionAndNoSectionIsStale() throws {
        let sections = try sections()

        #expect(sections.map(\.name).sorted() == DoctorCheck.Kind.allCases.map(\.rawValue).sorted())
        for section in sections { #expect(section.text.contains("."), "\(section.name) says nothing") }
    }
}
