// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a client wants to read, by its `Accept` header.
///
/// RFC 9110 §12.5.1.
struct AcceptHeader {
    /// The forms that a page has.
    enum Form {
        case html
        case json
    }

    /// How much a form is wanted: first the weight, then how precisely the header names it.
    private struct Wish: Comparable {
        /// In thousandths.
        var weight = 0
        /// 0: not named; 1: by `*/*`; 2: by `application/*`; 3: by its name.
        var precision = 0

        static func < (left: Wish, right: Wish) -> Bool {
            (left.weight, left.precision) < (right.weight, right.precision)
        }
    }

    /// The form to answer with: HTML unless JSON is wanted more, or as much and named more precisely.
    let form: Form

    /// Judges the header's value, several joined by commas.
    init(_ value: String) {
        var html = Wish()
        var json = Wish()
        for range in value.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = range.split(separator: UInt8(ascii: ";")).map(Self.withoutSpace)
            guard let name = parts.first else { continue }
            let weight = Self.weight(in: parts.dropFirst())
            Self.note(name, weight, ["*/*", "text/*", "text/html"], in: &html)
            Self.note(name, weight, ["*/*", "application/*", "application/json"], in: &json)
        }
        self.form = json.weight > 0 && json > html ? .json : .html
    }

    /// The most precise range that names a form decides.
    private static func note(_ name: String, _ weight: Int, _ names: [String], in wish: inout Wish) {
        guard let index = names.firstIndex(of: name), index + 1 > wish.precision else { return }
        wish = Wish(weight: weight, precision: index + 1)
    }

    private static func weight(in parameters: ArraySlice<String>) -> Int {
        guard let parameter = parameters.first(where: { $0.hasPrefix("q=") }) else { return 1000 }
        guard let weight = Double(parameter.dropFirst(2)), (0...1).contains(weight) else { return 0 }
        return Int(weight * 1000)
    }

    private static func withoutSpace(_ part: Substring.UTF8View) -> String {
        let bytes = part.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }
}
