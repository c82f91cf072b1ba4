// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Makes requests of a stream that has neither lengths nor terminators.
///
/// What has arrived is one request when the peer pauses; requests of a fixed size end by themselves. The caller measures
/// the pause (`[MESSENGER] GATHER_MS`) and need only do so while `isWaiting`.
///
/// How the bytes were cut into pieces never changes what comes out, only where the pauses were does.
package struct MessengerDecoder: Sendable {
    /// What came of the input.
    package enum Output: Equatable, Sendable {
        case request(MessengerRequest)
        /// Everything until the next pause is dropped after `.unknownRequest` and `.tooLong`.
        case refusal(MessengerRefusal)
    }

    /// 64 KiB.
    package static let standardMaximumBytes = 64 << 10

    /// What may arrive without a pause, fixed-size requests not counted.
    package let maximumBytes: Int

    private var gathered: [UInt8] = []
    private var isSkipping = false

    /// - Parameter maximumBytes: At least 64; less is taken as 64.
    package init(maximumBytes: Int = standardMaximumBytes) {
        self.maximumBytes = max(maximumBytes, 64)
    }

    /// Whether a pause would change anything.
    package var isWaiting: Bool { isSkipping || !gathered.isEmpty }

    /// Bytes held, at most `maximumBytes`.
    package var bufferedBytes: Int { gathered.count }

    /// Takes bytes as they arrived.
    ///
    /// - Returns: The fixed-size requests that are complete, and refusals of what can no longer become a request.
    package mutating func bytes(_ input: ArraySlice<UInt8>) -> [Output] {
        var outputs: [Output] = []
        var input = input
        while !isSkipping, let prefix = gathered.first ?? input.first {
            guard let code = MessengerCode(rawValue: prefix) else {
                outputs.append(skip(prefix, .unknownRequest))
                break
            }
            guard !input.isEmpty else { break }
            let room = (code.fixedSize ?? maximumBytes) - gathered.count
            gathered += input.prefix(room)
            input = input.dropFirst(room)
            if code.fixedSize == gathered.count {
                outputs.append(Self.output(gathered[...]))
                gathered.removeAll(keepingCapacity: true)
            } else if !input.isEmpty {
                outputs.append(skip(prefix, .tooLong))
            }
        }
        return outputs
    }

    /// The same for an array of bytes.
    package mutating func bytes(_ input: [UInt8]) -> [Output] {
        bytes(input[...])
    }

    /// The peer has paused, or will send no more: what has arrived is complete.
    ///
    /// - Returns: The requests and refusals that it amounts to, in order.
    package mutating func pause() -> [Output] {
        isSkipping = false
        var rest = gathered[...]
        gathered = []
        var outputs: [Output] = []
        while !rest.isEmpty {
            let end = MessengerRequest.end(ofFirstIn: rest)
            outputs.append(Self.output(rest[..<end]))
            rest = rest[end...]
        }
        return outputs
    }

    private static func output(_ request: ArraySlice<UInt8>) -> Output {
        do throws(MessengerRefusal) {
            return .request(try MessengerRequest(decoding: request))
        } catch {
            return .refusal(error)
        }
    }

    private mutating func skip(_ prefix: UInt8, _ reason: MessengerRefusal.Reason) -> Output {
        gathered = []
        isSkipping = true
        return .refusal(MessengerRefusal(prefix: prefix, reason: reason))
    }
}
