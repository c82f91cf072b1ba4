// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import Testing

@testable import Web

struct PageTests {
    @Test(
        arguments: [
            (0, "0 seconds"), (-5, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"),
            (61, "1 minute 1 second"), (7200, "2 hours"), (7205, "2 hours"), (93784, "1 day 2 hours"),
            (86_400_000, "1000 days"),
        ])
    func uptimeHasTwoUnits(seconds: Int, words: String) {
        #expect(Duration.seconds(seconds).inWords == words)
    }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
            (Int.min, "-9,223,372,036,854,775,808"),
        ])
    func numbersAreGrouped(number: Int, text: String) {
        #expect(number.grouped == text)
    }

    @Test func everythingInsertedIsEscaped() throws {
        var status = ServerStatus.example
        // The combining mark makes one character of two scalars, and the quotation mark is still one to a browser.
        status.name = "<script>alert('1')</script>&\"\u{301}"
        status.version = "<b>"
        status.protocols = [("<i>", "\"><u>")]

        let html = try String(buffer: HomePage(status, templates: PageTemplates(folder: nil)).html)

        #expect(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{301}</title>"))
        #expect(html.contains("version &lt;b&gt;,"))
        #expect(html.contains("<dt>&lt;i&gt;</dt><dd><code>&quot;&gt;&lt;u&gt;</code></dd>"))
    }

    @Test func builtInPageLoadsNothingFromElsewhere() throws {
        let templates = try PageTemplates(folder: nil)
        let page = String(buffer: HomePage(.example, templates: templates).html)
        let notice = templates.renderNotice(title: "Title", text: "Text")

        for text in [page, notice] {
            #expect(text.hasPrefix("<!DOCTYPE html>\n"))
            #expect(text.contains("prefers-color-scheme: dark"))
            for word in ["<script", "@import", "url(", " src=", "href=\"http", "style=\""] {
                #expect(!text.contains(word), "\(word)")
            }
        }
    }

    @Test func pageWithoutProtocolsSaysSo() throws {
        var status = ServerStatus.example
        status.protocols = []

        let page = try HomePage(status, templates: PageTemplates(folder: nil))

        #expect(String(buffer: page.html).contains("No protocol is switched on."))
        #expect(String(buffer: page.json).contains(#""protocols":[]"#))
    }

    @Test(
        arguments: [
            ("<p>\n{{name}}\n{{#protocols}}\n</p>\n", 5, "ends inside a section"),
            ("one\n{{#a}}\n{{/b}}\n", 3, "not the one last opened"),
            ("one\ntwo\n{{na me}}\n", 3, "not closed"),
            ("one\n{{name", 2, "not closed"),
            ("{{name", 1, "not closed"),
            ("one\n\n{{=<% %> = }}\n", 3, "delimiters"),
            ("{{% CONTENT_TYPE: WRONG}}", 1, "{{% … }}"),
        ])
    func brokenTemplateIsNamedWithItsLine(text: String, line: Int, words: String) throws {
        let folder = try TemplateFolder()
        try folder.write(text)

        let error = try #require(throws: TemplateError.self) { try PageTemplates(folder: folder.path) }

        #expect(error.path == folder.home)
        #expect(error.line == line)
        #expect(error.message.contains(words))
        #expect(error.description.hasPrefix("\(folder.home), line \(line): "))
    }

    @Test func templateThatIsNoTextIsNamedWithItsLine() throws {
        let folder = try TemplateFolder()
        try folder.write(Array("one\ntwo\n".utf8) + [0xFF, 0xFE])

        let error = try #require(throws: TemplateError.self) { try PageTemplates(folder: folder.path) }

        #expect(error == TemplateError(path: folder.home, line: 3, message: "The text is not UTF-8."))
    }

    @Test func templateHasALargestSize() throws {
        let folder = try TemplateFolder()
        try folder.write([UInt8](repeating: 0x20, count: TemplateFile.maximumBytes))
        _ = try PageTemplates(folder: folder.path)

        try folder.write([UInt8](repeating: 0x20, count: TemplateFile.maximumBytes + 1))

        let error = try #require(throws: TemplateError.self) { try PageTemplates(folder: folder.path) }
        #expect(error == TemplateError(path: folder.home, line: nil, message: "It is larger than 256 KiB."))
    }

    @Test(arguments: [true, false])
    func templateThatIsNoFileIsRefused(isPipe: Bool) throws {
        let folder = try TemplateFolder()
        try #require((isPipe ? mkfifo(folder.home, 0o600) : mkdir(folder.home, 0o700)) == 0)

        let error = try #require(throws: TemplateError.self) { try PageTemplates(folder: folder.path) }

        #expect(error == TemplateError(path: folder.home, line: nil, message: "It is not a regular file."))
    }

    @Test func builtInPageServesWhenThereIsNoFileOrFolder() throws {
        let folder = try TemplateFolder()
        let builtIn = try PageTemplates(folder: nil).renderHome(["name": "x"])

        #expect(try PageTemplates(folder: folder.path).renderHome(["name": "x"]) == builtIn)
        #expect(try PageTemplates(folder: folder.path + "/none").renderHome(["name": "x"]) == builtIn)
    }
}
