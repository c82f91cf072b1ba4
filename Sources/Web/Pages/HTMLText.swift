// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Mustache

/// Escapes what a template inserts, for text and for quoted attributes.
///
/// The escaping of Mustache works on characters: it overlooks a quotation mark that a combining mark follows, because
/// the two are one character. A browser sees the quotation mark.
struct HTMLText: MustacheContentType {
    private static let name = "PARLEY_HTML"
    private static let register: Void = MustacheContentTypes.register(HTMLText(), named: HTMLText.name)

    /// A line that, put in front of a template, makes it escape this way and leaves no trace.
    static var pragma: String {
        self.register
        return "{{% CONTENT_TYPE: \(self.name)}}\n"
    }

    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
