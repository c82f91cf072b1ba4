// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The line that a person types at the foot of a conversation: takes the bytes of the keys, does no I/O.
struct LineEditor {
    /// What the keys asked for.
    enum Action: Equatable {
        /// Enter, with the line as it was.
        case submit(String)
        /// Ctrl-C.
        case interrupt
        /// Ctrl-D on an empty line.
        case end
        /// Ctrl-L.
        case clearScreen
    }

    /// The part of the line that fits on the screen.
    struct View: Equatable {
        var text: String
        /// How many columns of it are after the cursor.
        var columnsAfterCursor: Int
    }

    /// The longest line, in bytes of UTF-8.
    static let maximumBytes = 16_384
    private static let maximumPastLines = 200

    private var line: [Character] = []
    private var cursor = 0
    private var pending: [UInt8] = []
    private var pastLines: [String] = []
    /// Which past line is shown; `nil` for the new one, which `draft` keeps meanwhile.
    private var past: Int?
    private var draft: [Character] = []

    /// What was typed so far.
    var text: String { String(line) }

    /// Takes the bytes of keys.
    mutating func type(_ bytes: [UInt8]) -> [Action] {
        pending += bytes
        var actions: [Action] = []
        while let key = nextKey() {
            if let action = press(key) { actions.append(action) }
        }
        return actions
    }

    /// The part of the line around the cursor that fits into so many columns.
    func view(columns: Int) -> View {
        let room = max(1, columns)
        var start = cursor
        var before = 0
        while start > 0, before + line[start - 1].columns < room {
            start -= 1
            before += line[start].columns
        }
        var end = cursor
        var after = 0
        while end < line.count, before + after + line[end].columns < room {
            after += line[end].columns
            end += 1
        }
        return View(text: String(line[start..<end]), columnsAfterCursor: after)
    }

    // MARK: Keys

    private enum Key: Equatable {
        case character(Unicode.Scalar)
        case enter, backspace, delete, left, right, home, end, up, down
        case eraseLine, eraseRest, eraseWord
        case interrupt, endOfInput, clearScreen
        case other
    }

    /// Takes the next whole key off the bytes; `nil` until there is one.
    private mutating func nextKey() -> Key? {
        guard let first = pending.first else { return nil }
        if first == 0x1B { return escapeSequence() }
        if first < 0x80 {
            pending.removeFirst()
            return Self.control(first) ?? .character(Unicode.Scalar(first))
        }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
        guard pending.count >= length else { return nil }
        let bytes = pending.prefix(length)
        guard let text = String(validating: bytes, as: UTF8.self), let scalar = text.unicodeScalars.first else {
            pending.removeFirst()
            return .other
        }
        pending.removeFirst(length)
        return scalar.value < 0xA0 ? .other : .character(scalar)
    }

    private static func control(_ byte: UInt8) -> Key? {
        switch byte {
        case 0x01: .home
        case 0x02: .left
        case 0x03: .interrupt
        case 0x04: .endOfInput
        case 0x05: .end
        case 0x06: .right
        case 0x08, 0x7F: .backspace
        case 0x0A, 0x0D: .enter
        case 0x0B: .eraseRest
        case 0x0C: .clearScreen
        case 0x0E: .down
        case 0x10: .up
        case 0x15: .eraseLine
        case 0x17: .eraseWord
        case 0x00..<0x20: .other
        default: nil
        }
    }

    /// A key that the terminal sends as several bytes: `ESC [ 3 ~`, `ESC O H`.
    private mutating func escapeSequence() -> Key? {
        guard pending.count >= 2 else { return nil }
        guard pending[1] == UInt8(ascii: "[") || pending[1] == UInt8(ascii: "O") else {
            // Alt with a key, or the Esc key before something else; a control key after it is still one.
            pending.removeFirst(pending[1] < 0x20 ? 1 : 2)
            return .other
        }
        guard let end = pending.dropFirst(2).firstIndex(where: { 0x40...0x7E ~= $0 }) else {
            // No terminal sends a sequence as long as that.
            if pending.count > 32 { pending = [] }
            return pending.isEmpty ? .other : nil
        }
        let final = pending[end]
        let parameter = String(decoding: pending[2..<end].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        pending.removeFirst(end + 1)
        return switch (final, parameter) {
        case (UInt8(ascii: "A"), _): .up
        case (UInt8(ascii: "B"), _): .down
        case (UInt8(ascii: "C"), _): .right
        case (UInt8(ascii: "D"), _): .left
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): .home
        case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): .end
        case (UInt8(ascii: "~"), "3"): .delete
        default: .other
        }
    }

    private mutating func press(_ key: Key) -> Action? {
        switch key {
        case .character(let scalar): insert(scalar)
        case .enter: return .submit(take())
        case .interrupt: return .interrupt
        case .clearScreen: return .clearScreen
        case .endOfInput:
            if line.isEmpty { return .end }
            if cursor < line.count { line.remove(at: cursor) }
        case .backspace:
            if cursor > 0 {
                cursor -= 1
                line.remove(at: cursor)
            }
        case .delete: if cursor < line.count { line.remove(at: cursor) }
        case .left: cursor = max(0, cursor - 1)
        case .right: cursor = min(line.count, cursor + 1)
        case .home: cursor = 0
        case .end: cursor = line.count
        case .up: show((past ?? pastLines.count) - 1)
        case .down: show((past ?? pastLines.count) + 1)
        case .eraseLine:
            line.removeFirst(cursor)
            cursor = 0
        case .eraseRest: line.removeLast(line.count - cursor)
        case .eraseWord: eraseWord()
        case .other: break
        }
        return nil
    }

    private mutating func insert(_ scalar: Unicode.Scalar) {
        guard text.utf8.count + 4 <= Self.maximumBytes else { return }
        if cursor > 0 {
            let joined = String(line[cursor - 1]) + String(scalar)
            if joined.count == 1, let character = joined.first {
                line[cursor - 1] = character
                return
            }
        }
        line.insert(Character(scalar), at: cursor)
        cursor += 1
    }

    private mutating func eraseWord() {
        var start = cursor
        while start > 0, line[start - 1] == " " { start -= 1 }
        while start > 0, line[start - 1] != " " { start -= 1 }
        line.removeSubrange(start..<cursor)
        cursor = start
    }

    private mutating func take() -> String {
        let text = text
        if !text.isEmpty, text != pastLines.last {
            pastLines.append(text)
            if pastLines.count > Self.maximumPastLines { pastLines.removeFirst() }
        }
        line = []
        draft = []
        cursor = 0
        past = nil
        return text
    }

    private mutating func show(_ index: Int) {
        guard index >= 0, index <= pastLines.count else { return }
        if past == nil { draft = line }
        past = index == pastLines.count ? nil : index
        line = past.map { Array(pastLines[$0]) } ?? draft
        cursor = line.count
    }
}
