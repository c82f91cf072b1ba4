// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

/// Sentences that were replaced because people did not understand them do not come back.
struct WordingTests {
    private static let replaced = [
        "somebody without one", "methods passed", "there is no password.", "it is not yet taken",
        "want to be told of news", "q ends.", "mode is invite; it is", "which there is not", "you see no group",
        "got no log in", "this needs consent", "operation was not done", "operation is done", "mend the line",
        "nothing else was looked at", "takes it up when it starts", "change it first if others",
        "cannot be changed like that", "requests in work on", "go on with --after", "too much to do",
        "the log has its words", "look whether it happened", "cannot be like that", "has found its end",
        "without ceremony", "is of no use",
    ]
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The texts of the program, without its comments, and the documents.
    private static func texts() throws -> [(file: String, text: String)] {
        let places = ["Sources", "docs"].map { "\(root)/\($0)" }
        let files = try places.flatMap { place in
            try FileManager.default.subpathsOfDirectory(atPath: place).map { "\(place)/\($0)" }
        }.filter { file in [".swift", ".mustache", ".js", ".md"].contains { file.hasSuffix($0) } }
        return try (files + ["\(root)/README.md", "\(root)/example_config.ini"]).map { file in
            let lines = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
                .split(separator: "\n").map { $0.trimmingPrefix(while: \.isWhitespace) }
            let text = lines.filter { !$0.hasPrefix("//") }.joined(separator: " ").lowercased()
            return (file, text)
        }
    }

    @Test func textsSayWhatIsMeant() throws {
        let texts = try Self.texts()

        #expect(texts.count > 300)
        for phrase in Self.replaced {
            // By bytes: letter by letter all this text takes long.
            let found = texts.filter { strstr($0.text, phrase) != nil }.map(\.file)
            #expect(found == [], "\(phrase)")
        }
    }
}
