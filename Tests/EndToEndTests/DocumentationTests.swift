// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// What the documents name is there: files, headings, commands.
@Suite(.timeLimit(.minutes(10)))
struct DocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let documents: [String] = {
        var names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
        for folder in ["docs", "docs/protocols"] {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
            names += files.filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
        }
        return names
    }()

    @Test(arguments: documents) func everyLinkLeadsSomewhere(document: String) throws {
        let text = try Self.read(document)

        for match in text.matches(of: /\]\(([^)\s]+)\)/) {
            let link = String(match.1)
            guard !link.hasPrefix("https://") else { continue }
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let folder = document.lastIndex(of: "/").map { document[...$0] } ?? ""
            let target = parts[0].isEmpty ? document : "\(folder)\(parts[0])"
            let place = Self.root.appending(path: target).standardized.path
            #expect(FileManager.default.fileExists(atPath: place), "\(link)")
            guard parts.count == 2, target.hasSuffix(".md") else { continue }
            #expect(try Self.anchors(in: target).contains(String(parts[1])), "\(link)")
        }
    }

    @Test(arguments: documents) func everyCommandThatIsNamedExists(document: String) async throws {
        let text = try Self.read(document)
        var commands: Set<[String]> = []
        for match in text.matches(of: /(?:`|^|\n)(?:\$ )?(?:\.\/)?manage ((?:[a-z-]+(?: |`|$|\n))+)/) {
            let words = match.1.split { " `\n".contains($0) }.map(String.init)
            // Options, and `manage help TOPIC`, are not part of a command's name.
            let name = Array(words.prefix { !$0.hasPrefix("-") }.prefix(2))
            if !name.isEmpty, name[0] != "help" { commands.insert(name) }
        }

        try await Program.with { program in
            for words in commands.sorted(by: { $0.joined() < $1.joined() }) {
                let result = try await program.run([Program.path] + words + ["--help"])
                // Behind a command without subcommands stands a value.
                #expect(result.ending == .exited(0), "manage \(words.joined(separator: " "))")
                #expect(result.output.contains("USAGE: manage \(words[0])"))
            }
        }
    }

    private static func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: name)), as: UTF8.self)
    }

    /// The anchors of a page's headings.
    private static func anchors(in name: String) throws -> Set<String> {
        let headings = try read(name).split(separator: "\n").filter { $0.hasPrefix("#") }
        return Set(
            headings.map { heading in
                let words = heading.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
                return String(
                    words.map { $0 == " " ? "-" : $0 }.filter { $0.isLetter || $0.isNumber || "-_".contains($0) })
            })
    }
}
