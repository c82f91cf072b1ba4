// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Messenger

/// Makes units of what reads bring, for a client that may be slower than the server's spacing.
///
/// A read is one unit as a rule. Where several came together they are told apart by their form; the text of a message
/// ends where a control character begins something that is a unit as well. A unit in pieces is put together; as whether
/// a text is complete cannot be seen, the rest of one comes as another message of the same sender, like the parts of a
/// long one.
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
        let split = SplitUnits(rest)
        guard let units = split.units(from: 0) ?? unitsAfterText(split) else {
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
    private func unitsAfterText(_ split: SplitUnits) -> [MessengerUnit]? {
        guard let sender, let first = rest.first, first > SplitUnits.lastControl else { return nil }
        let end = split.endOfText(from: 0)
        guard let text = String(validating: rest[..<end], as: UTF8.self), let units = split.units(from: end) else {
            return nil
        }
        return [.message(from: sender, text: text)] + units
    }
}

/// Where units begin and end in bytes that may be several.
///
/// The text of a message ends where units follow up to the end of the bytes. So the places are looked at from the last
/// to the first, each once: trying every end of every text would double the work with each message.
private struct SplitUnits {
    /// The control characters that begin a unit after a text are the ones up to this.
    static let lastControl: UInt8 = 0x06
    private static let separator: UInt8 = 0x0D

    private let bytes: [UInt8]
    /// By where a unit may begin: where it ends, if it and all that follows are units.
    private var ends: [Int?]
    /// By where a text may begin: where it ends.
    private var textEnds: [Int]
    /// By place: the next separator.
    private var separators: [Int?]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        ends = Array(repeating: nil, count: bytes.count)
        textEnds = Array(repeating: bytes.count, count: bytes.count + 1)
        separators = Array(repeating: nil, count: bytes.count + 1)
        for start in bytes.indices.reversed() {
            separators[start] = bytes[start] == Self.separator ? start : separators[start + 1]
            textEnds[start] = textEnds[start + 1]
            guard let end = end(ofUnitAt: start), end == bytes.count || ends[end] != nil,
                MessengerUnit(decoding: Array(bytes[start..<end])) != nil
            else { continue }
            ends[start] = end
            if bytes[start] <= Self.lastControl { textEnds[start] = start }
        }
    }

    /// The units that make up everything from a place on.
    func units(from start: Int) -> [MessengerUnit]? {
        var units: [MessengerUnit] = []
        var start = start
        while start < bytes.count {
            guard let end = ends[start], let unit = MessengerUnit(decoding: Array(bytes[start..<end])) else {
                return nil
            }
            units.append(unit)
            start = end
        }
        return units
    }

    /// Where the text ends that begins at a place.
    func endOfText(from start: Int) -> Int { textEnds[start] }

    /// Where a unit would end that begins at a place, by its form and by what follows.
    private func end(ofUnitAt start: Int) -> Int? {
        guard start + 2 <= bytes.count else { return nil }
        func end(_ count: Int) -> Int? { start + count <= bytes.count ? start + count : nil }
        switch (bytes[start], bytes[start + 1]) {
        case (0x05, let second) where second != 0xFF:
            return separators[start].flatMap { $0 + 2 <= bytes.count ? $0 + 2 : nil }
        case (0x02, let second) where second != 0x00 && second != 0xFF:
            return separators[start].map { textEnds[$0 + 1] }
        case (0x01, 0x00): return end(7)
        case (0x04, 0x00): return end(4)
        case (0x03, 0x00):
            var end = start + 2
            while end < bytes.count, bytes[end] == Self.separator, let status = separators[end + 1],
                status + 2 <= bytes.count
            {
                end = status + 2
            }
            return end
        default: return end(2)
        }
    }
}
