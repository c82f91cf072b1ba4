// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Character {
    /// How many columns of a terminal the character takes, as most terminals have it: 0, 1 or 2.
    var columns: Int {
        guard let first = unicodeScalars.first else { return 0 }
        if first.isASCII { return first.value >= 0x20 && first.value != 0x7F ? 1 : 0 }
        if unicodeScalars.contains(where: { $0.properties.isEmojiPresentation || $0.value == 0xFE0F }) { return 2 }
        if Self.wide.contains(where: { $0.contains(first.value) }) { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return 1
        }
    }

    /// Scripts and signs of East Asia that are drawn as wide as high.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]
}

extension StringProtocol {
    /// How many columns of a terminal the characters take.
    var columns: Int { reduce(0) { $0 + $1.columns } }
}

extension String {
    /// The text itself when it takes at most so many columns, else its beginning with `…`.
    func cut(toColumns columns: Int) -> String {
        guard self.columns > columns else { return self }
        var text = ""
        var taken = 1
        for character in self {
            taken += character.columns
            guard taken <= columns else { break }
            text.append(character)
        }
        return text + "…"
    }
}
