// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// Finds the JSON values in a stream that has nothing between them.
///
/// A value is complete when its braces and brackets balance outside strings. Only that is looked at here: what came
/// complete may still not be JSON.
///
/// Each byte is looked at once, however the stream was cut, and no more than `maximumBytes` are held.
package struct FastChatSplitter: Sendable {
    /// What came of the input.
    package enum Piece: Equatable, Sendable {
        /// The bytes from the first brace or bracket to the last.
        case value([UInt8])
        /// Something that cannot become a value; `isUnparseable` is true.
        case refusal(FastChatDecodeError)
    }

    /// 1 MiB, as much as the old client reads at one time.
    package static let standardMaximumBytes = 1 << 20

    /// The most bytes of one value.
    ///
    /// Can be lower before a login; applies to the value that is coming in as well.
    package var maximumBytes: Int

    private let maximumDepth: Int
    private var state = State.between
    private var depth = 0
    private var partial: [UInt8] = []
    /// Bytes of the refused thing, so that an endless one is refused again and again and the connection can end.
    private var skipped = 0

    private enum State {
        /// Between two values.
        case between
        /// In something that begins like no object or array; white space ends it.
        case junk
        case value(Text)
        /// In a value that is too large or too deep: followed to its end, not kept.
        case refused(Text)
    }

    /// Where in a value.
    private enum Text {
        case outside
        case string
        case escape
    }

    /// - Parameters:
    ///   - maximumBytes: Of one value.
    ///   - maximumDepth: How many objects and arrays may lie inside each other.
    package init(
        maximumBytes: Int = standardMaximumBytes, maximumDepth: Int = JSONLimits.standard.depth
    ) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
    }

    /// Bytes held of a value that is not complete.
    package var bufferedBytes: Int { partial.count }

    /// Takes bytes as they arrived.
    package mutating func receive(_ input: UnsafeRawBufferPointer) -> [Piece] {
        var pieces: [Piece] = []
        // Where the kept part of the value begins in `input`.
        var start = 0
        var index = 0
        while index < input.count {
            let byte = input[index]
            switch state {
            case .between:
                if isOpener(byte) {
                    start = index
                    depth = 0
                    state = .value(.outside)
                    continue
                }
                if !isSpace(byte) {
                    pieces.append(refuse("a request must be a JSON object or an array of them"))
                    state = .junk
                }
            case .junk:
                if isSpace(byte) {
                    state = .between
                } else if isOpener(byte) {
                    state = .between
                    continue
                } else {
                    countSkipped(into: &pieces)
                }
            case .value(let text):
                if partial.count + index - start >= maximumBytes {
                    pieces.append(refuse("a request must have at most \(maximumBytes) bytes"))
                    state = .refused(text)
                    continue
                }
                guard let next = step(text, byte) else {
                    if partial.isEmpty {
                        pieces.append(.value(Array(input[start...index])))
                    } else {
                        partial.append(contentsOf: input[start...index])
                        pieces.append(.value(partial))
                        partial = []
                    }
                    state = .between
                    break
                }
                state = .value(next)
                if depth > maximumDepth {
                    pieces.append(refuse("arrays and objects are nested too deeply"))
                    state = .refused(next)
                }
            case .refused(let text):
                state = step(text, byte).map { .refused($0) } ?? .between
                countSkipped(into: &pieces)
            }
            index += 1
        }
        if case .value = state { partial.append(contentsOf: input[start...]) }
        return pieces
    }

    /// The same for an array of bytes.
    package mutating func receive(_ input: [UInt8]) -> [Piece] {
        input.withUnsafeBytes { receive($0) }
    }

    /// Where in the value the byte leads to; `nil` if it completes the value.
    private mutating func step(_ text: Text, _ byte: UInt8) -> Text? {
        switch text {
        case .escape: return .string
        case .string:
            switch byte {
            case UInt8(ascii: "\\"): return .escape
            case UInt8(ascii: "\""): return .outside
            default: return .string
            }
        case .outside:
            switch byte {
            case UInt8(ascii: "\""): return .string
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            return depth > 0 ? .outside : nil
        }
    }

    private mutating func refuse(_ detail: String) -> Piece {
        partial = []
        skipped = 0
        return .refusal(FastChatDecodeError(detail, isUnparseable: true))
    }

    private mutating func countSkipped(into pieces: inout [Piece]) {
        skipped += 1
        if skipped >= maximumBytes { pieces.append(refuse("what follows the refused request has no end")) }
    }

    private func isOpener(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\t")
    }
}
