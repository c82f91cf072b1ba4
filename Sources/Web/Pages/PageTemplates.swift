// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Mustache
import Synchronization

/// The templates of the pages: ours, embedded in the program, and the operator's home page if there is one.
final class PageTemplates: Sendable {
    private let library: MustacheLibrary
    private let notice: MustacheTemplate
    private let home: Mutex<MustacheTemplate>

    /// Loads the templates; `home.mustache` in `folder` is taken for the built-in one.
    init(folder: String?) throws(TemplateError) {
        let style = try Self.parse(PackageResources.style_mustache, named: "style.mustache")
        self.library = MustacheLibrary(templates: ["style": style])
        self.notice = try Self.parse(PackageResources.notice_mustache, named: "notice.mustache")
        self.home = Mutex(try Self.loadHome(from: folder))
    }

    /// Reads the operator's file again, from any folder; when it is broken the page stays as it was.
    func reload(from folder: String?) throws(TemplateError) {
        let home = try Self.loadHome(from: folder)
        self.home.withLock { $0 = home }
    }

    func renderHome(_ values: [String: Any]) -> String {
        self.home.withLock { $0 }.render(values, library: self.library)
    }

    func renderNotice(title: String, text: String) -> String {
        self.notice.render(["title": title, "text": text], library: self.library)
    }

    private static func loadHome(from folder: String?) throws(TemplateError) -> MustacheTemplate {
        try self.load("home.mustache", from: folder, builtIn: PackageResources.home_mustache)
    }

    /// The file of a name in `folder` if there is one, otherwise the built-in template.
    static func load(
        _ name: String, from folder: String?, builtIn bytes: [UInt8]
    ) throws(TemplateError) -> MustacheTemplate {
        if let folder {
            let path = folder + "/" + name
            if let text = try TemplateFile.contents(of: path) { return try self.parse(text, path: path) }
        }
        return try self.parse(bytes, named: name)
    }

    private static func parse(_ bytes: [UInt8], named name: String) throws(TemplateError) -> MustacheTemplate {
        try self.parse(String(decoding: bytes, as: UTF8.self), path: "built-in \(name)")
    }

    private static func parse(_ text: String, path: String) throws(TemplateError) -> MustacheTemplate {
        do {
            return try MustacheTemplate(string: HTMLText.pragma + text)
        } catch let error as MustacheTemplate.ParserError {
            let line = error.context.lineNumber - HTMLText.pragma.count(where: \.isNewline)
            throw TemplateError(path: path, line: line, message: self.sentence(for: error.error))
        } catch {
            throw TemplateError(path: path, line: nil, message: "It is not a Mustache template.")
        }
    }

    private static func sentence(for error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "A section is closed that is not the one last opened."
        case .expectedSectionEnd: "The file ends inside a section; each {{#name}} and {{^name}} needs its {{/name}}."
        case .unfinishedName: "A tag is not closed, or its name has a character that names cannot have."
        case .invalidSetDelimiter: "A change of the delimiters is not of the form {{=<% %>=}}."
        case .invalidConfigVariableSyntax, .unrecognisedConfigVariable: "A {{% … }} tag is wrong."
        case .transformAppliedToInheritanceSection, .illegalTokenInsideInheritSection, .textInsideInheritSection:
            "A {{<parent}} section holds more than {{$block}} sections."
        case nil: "A tag is not closed."
        }
    }
}
