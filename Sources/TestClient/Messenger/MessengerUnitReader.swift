// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Messenger

/// Makes units of what reads bring, for a client that may be slower than the server's spacing.
///
/// A read is one unit as a rule. Where several came together they are told apart by their form; the text of a message ends
/// where a control character begins something that is a unit as well. A unit in pieces is put together; as whether a text is
/// complete cannot be seen, the rest of one comes as another message of the same sender, like the parts of a long one.
package struct MessengerUnitReader: Sendable {
    /// What a server that keeps to the protocol never exceeds: it sends units of 4,096 bytes.
    package static let maximumBytes = 1 << 20

    private var rest: [UInt8] = []
    /// Whose text was the last.
    private var sender: MessengerLogin?

    /// Nothing read yet.
    package init() {}

    /// Takes what one read brought.
    ///
    /// - Returns: The units that are complete; `nil` when it can no longer become one.
    package mutating func read(_ bytes: [UInt8]) -> [MessengerUnit]? {
        rest += bytes
        guard let units = Self.units(in: rest[...]) ?? unitsAfterText() else {
            return rest.count > Self.maximumBytes ? nil : []
        }
        rest = []
        switch units.last {
        case .message(let sender, _): self.sender = sender
        case .answer, .presence: sender = nil
        case nil: break
        }
        return units
    }

    /// The same when they begin with the rest of a text.
    private func unitsAfterText() -> [MessengerUnit]? {
        guard let sender, let first = rest.first, first > 0x06 else { return nil }
        let end = Self.endOfText(in: rest[...])
        guard let text = String(validating: rest[..<end], as: UTF8.self), let units = Self.units(in: rest[end...])
        else {
            return nil
        }
        return [.message(from: sender, text: text)] + units
    }

    /// The units that make up all of `bytes`.
    private static func units(in bytes: ArraySlice<UInt8>) -> [MessengerUnit]? {
        var units: [MessengerUnit] = []
        var rest = bytes
        while !rest.isEmpty {
            guard let end = end(ofFirstIn: rest), let unit = MessengerUnit(decoding: Array(rest[..<end])) else {
                return nil
            }
            units.append(unit)
            rest = rest[end...]
        }
        return units
    }

    /// Where the first unit ends.
    private static func end(ofFirstIn bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 2, let prefix = bytes.first else { return nil }
        let start = bytes.startIndex
        func index(_ count: Int) -> Int? { start + count <= bytes.endIndex ? start + count : nil }
        switch (prefix, bytes[start + 1]) {
        case (0x05, let second) where second != 0xFF:
            return bytes.firstIndex(of: separator).flatMap { $0 + 2 <= bytes.endIndex ? $0 + 2 : nil }
        case (0x02, let second) where second != 0x00 && second != 0xFF:
            guard let text = bytes.firstIndex(of: separator) else { return nil }
            return endOfText(in: bytes[(text + 1)...])
        case (0x01, 0x00): return index(7)
        case (0x04, 0x00): return index(4)
        case (0x03, 0x00):
            var end = start + 2
            while end < bytes.endIndex, bytes[end] == separator,
                let status = bytes[(end + 1)...].firstIndex(of: separator), status + 2 <= bytes.endIndex
            {
                end = status + 2
            }
            return end
        default: return index(2)
        }
    }

    private static func endOfText(in text: ArraySlice<UInt8>) -> Int {
        for index in text.indices where text[index] <= 0x06 {
            if units(in: text[index...]) != nil { return index }
        }
        return text.endIndex
    }

    private static let separator: UInt8 = 0x0D
}
