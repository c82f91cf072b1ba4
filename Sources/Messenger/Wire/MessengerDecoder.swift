// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Makes requests of a stream that has neither lengths nor terminators.
///
/// What has arrived is one request when the peer pauses; requests of a fixed size end by themselves. The caller
/// measures the pause (`[MESSENGER] GATHER_MS`) and need only do so while `isWaiting`.
///
/// How the bytes were cut into pieces never changes what comes out, only where the pauses were does.
package struct MessengerDecoder: Sendable {
    /// What came of the input.
    package enum Output: Equatable, Sendable {
        case request(MessengerRequest)
        /// After `.unknownRequest` and `.tooLong` everything until the pause is dropped; they come with the pause, so
        /// that a peer that waits for the answer loses nothing.
        case refusal(MessengerRefusal)
    }

    /// 64 KiB.
    package static let standardMaximumBytes = 64 << 10

    /// What may arrive without a pause, fixed-size requests not counted.
    package let maximumBytes: Int

    private var gathered: [UInt8] = []
    /// Why what comes until the pause is dropped.
    private var skipping: MessengerRefusal?

    /// - Parameter maximumBytes: At least 64; less is taken as 64.
    package init(maximumBytes: Int = standardMaximumBytes) {
        self.maximumBytes = max(maximumBytes, 64)
    }

    /// Whether a pause would change anything.
    package var isWaiting: Bool { skipping != nil || !gathered.isEmpty }

    /// Bytes held, at most `maximumBytes`.
    package var bufferedBytes: Int { gathered.count }

    /// Takes bytes as they arrived.
    ///
    /// - Returns: The fixed-size requests that are complete, or no requests.
    package mutating func bytes(_ input: ArraySlice<UInt8>) -> [Output] {
        var outputs: [Output] = []
        var input = input
        while skipping == nil, let prefix = gathered.first ?? input.first {
            guard let code = MessengerCode(rawValue: prefix) else {
                skip(prefix, .unknownRequest)
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
                skip(prefix, .tooLong)
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
        var rest = gathered[...]
        gathered = []
        var outputs: [Output] = []
        if let refusal = skipping {
            skipping = nil
            outputs.append(.refusal(refusal))
        }
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

    private mutating func skip(_ prefix: UInt8, _ reason: MessengerRefusal.Reason) {
        gathered = []
        skipping = MessengerRefusal(prefix: prefix, reason: reason)
    }
}
