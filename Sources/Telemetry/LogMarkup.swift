// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The colour tags of loguru's formats and the escape codes of a terminal that they stand for.
enum LogMarkup {
    /// What an opening tag switches on.
    enum Style: Hashable, Sendable {
        /// Escape codes.
        case codes(String)
        /// The colour of the message's level.
        case level
    }

    /// A tag found at the beginning of a text.
    enum Tag: Hashable {
        case opening(name: String, Style)
        case closing(name: String)
        case unknown(name: String)
    }

    static let reset = "\u{1B}[0m"

    /// Reads a tag such as `<b>`, `</b>`, `</>` or `<fg #ff0000>` at the beginning of `text`.
    ///
    /// - Returns: The tag and its length; `nil` when what stands there does not look like one.
    static func tag(at text: ArraySlice<UInt8>) -> (tag: Tag, length: Int)? {
        guard text.first == UInt8(ascii: "<") else { return nil }
        var index = text.startIndex + 1
        let isClosing = index < text.endIndex && text[index] == UInt8(ascii: "/")
        if isClosing { index += 1 }
        let nameStart = index
        while index < text.endIndex, text[index] != UInt8(ascii: ">") {
            let byte = text[index]
            // One blank belongs to a tag, that of "fg red" and "bg red".
            let isColourBlank =
                byte == UInt8(ascii: " ") && index == nameStart + 2
                && [UInt8(ascii: "f"), UInt8(ascii: "b")].contains(text[nameStart])
                && text[nameStart + 1] == UInt8(ascii: "g")
            if byte <= 0x20 && !isColourBlank || "<{}\\".utf8.contains(byte) { return nil }
            index += 1
        }
        guard index < text.endIndex, isClosing || index > nameStart else { return nil }
        let name = String(decoding: text[nameStart..<index], as: UTF8.self)
        let length = index + 1 - text.startIndex
        if isClosing { return (.closing(name: name), length) }
        return (style(name).map { .opening(name: name, $0) } ?? .unknown(name: name), length)
    }

    /// The escape codes of a level's colour.
    static func codes(for level: LogLevel) -> String {
        switch level {
        case .trace: "\u{1B}[36m\u{1B}[1m"
        case .debug: "\u{1B}[34m\u{1B}[1m"
        case .info: "\u{1B}[1m"
        case .success: "\u{1B}[32m\u{1B}[1m"
        case .warning: "\u{1B}[33m\u{1B}[1m"
        case .error: "\u{1B}[31m\u{1B}[1m"
        case .critical: "\u{1B}[41m\u{1B}[1m"
        }
    }

    private static let effects: [String: Int] = [
        "b": 1, "bold": 1, "d": 2, "dim": 2, "i": 3, "italic": 3, "u": 4, "underline": 4, "l": 5, "blink": 5, "v": 7,
        "reverse": 7, "h": 8, "hide": 8, "s": 9, "strike": 9, "n": 22, "normal": 22,
    ]
    private static let colours: [String: Int] = [
        "k": 0, "black": 0, "r": 1, "red": 1, "g": 2, "green": 2, "y": 3, "yellow": 3, "e": 4, "blue": 4, "m": 5,
        "magenta": 5, "c": 6, "cyan": 6, "w": 7, "white": 7,
    ]

    private static func style(_ name: String) -> Style? {
        if name == "level" || name == "lvl" { return .level }
        if let effect = effects[name] { return .codes("\u{1B}[\(effect)m") }
        if name.hasPrefix("fg ") { return colour(name.dropFirst(3), isBackground: false).map(Style.codes) }
        if name.hasPrefix("bg ") { return colour(name.dropFirst(3), isBackground: true).map(Style.codes) }
        if name == name.lowercased() { return named(name, isBackground: false).map(Style.codes) }
        if name == name.uppercased() { return named(name.lowercased(), isBackground: true).map(Style.codes) }
        return nil
    }

    private static func named(_ name: String, isBackground: Bool) -> String? {
        let base = isBackground ? 40 : 30
        if let colour = colours[name] { return "\u{1B}[\(base + colour)m" }
        if name.hasPrefix("light-"), let colour = colours[String(name.dropFirst(6))] {
            return "\u{1B}[\(base + 60 + colour)m"
        }
        if name.utf8.count == 2, name.hasPrefix("l"), let colour = colours[String(name.dropFirst())] {
            return "\u{1B}[\(base + 60 + colour)m"
        }
        return nil
    }

    /// `red`, `0` to `255`, `#f00`, `#ff0000` or `255,0,0`.
    private static func colour(_ text: Substring, isBackground: Bool) -> String? {
        if let code = named(text.lowercased(), isBackground: isBackground) { return code }
        let kind = isBackground ? 48 : 38
        if let number = UInt8(text) { return "\u{1B}[\(kind);5;\(number)m" }
        var parts: [UInt8]
        if text.hasPrefix("#") {
            let digits = text.dropFirst().compactMap(\.hexDigitValue)
            guard digits.count == text.count - 1, text.utf8.count == text.count else { return nil }
            switch digits.count {
            case 3: parts = digits.map { UInt8($0 * 17) }
            case 6: parts = stride(from: 0, to: 6, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
            default: return nil
            }
        } else {
            parts = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { UInt8($0) }
            guard parts.count == 3, text.count(where: { $0 == "," }) == 2 else { return nil }
        }
        return "\u{1B}[\(kind);2;\(parts[0]);\(parts[1]);\(parts[2])m"
    }
}
