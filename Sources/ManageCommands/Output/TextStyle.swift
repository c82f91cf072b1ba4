// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Colours of a text, or none.
struct TextStyle: Sendable {
    /// A way to show a word.
    enum Emphasis: String, Sendable {
        case bold = "1"
        case faint = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// Whether anything is coloured.
    var isColored: Bool

    /// How many columns a line may have; `nil` where lines are not cut, as in a file.
    var columns: Int?

    /// The text, emphasised if the style has colours.
    ///
    /// The text must have been escaped before.
    func apply(_ emphasis: Emphasis, to text: String) -> String {
        isColored ? "\u{1B}[\(emphasis.rawValue)m\(text)\u{1B}[0m" : text
    }
}
