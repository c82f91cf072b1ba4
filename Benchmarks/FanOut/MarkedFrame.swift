// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import Glibc
import JSON
import MTP
import TestClient

/// The frames that one sender sends: one frame or some in turn, in which only the number of the message changes.
///
/// A message says `~`, two digits for the sender and eight for its number: so a receiver knows each without decoding.
struct MarkedFrame: Sendable {
    /// What begins a number, and is nowhere else in a frame.
    private static let mark = UInt8(ascii: "~")
    private static let senderDigits = 2
    private static let numberDigits = 8
    /// How many senders have a number.
    static let maximumSenders = 100

    private let frames: [(bytes: [UInt8], numberStart: Int)]

    private init(_ frames: [[UInt8]]) throws(BenchmarkFailure) {
        self.frames = try frames.map { (bytes) throws(BenchmarkFailure) in
            guard let mark = bytes.firstIndex(of: Self.mark), bytes.count > mark + Self.senderDigits + Self.numberDigits
            else { throw BenchmarkFailure("The frame has no number.") }
            return (bytes, mark + 1 + Self.senderDigits)
        }
    }

    /// Requests to a Parley server.
    ///
    /// - Parameters:
    ///   - sender: Which sender, from 0.
    ///   - principal: Its account.
    ///   - flow: Where to.
    ///   - content: What the messages hold behind the number.
    /// - Returns: The frames.
    /// - Throws: `BenchmarkFailure` when the frame has no number in it.
    static func request(
        sender: Int, as principal: MTPCredentials, flow: String, _ content: FanOutContent
    ) throws(BenchmarkFailure) -> MarkedFrame {
        let message = MessageObject(
            clientID: Int64(sender), text: JSONText(text(sender, content.padding)),
            filePicture: content.picture.map { JSONText($0) })
        return try MarkedFrame([MTPRequest.sendMessage(as: principal, flow: flow, message).encoded()])
    }

    /// Requests that edit messages of the sender's in turn.
    static func edits(
        sender: Int, as principal: MTPCredentials, of messages: [String], _ content: FanOutContent
    ) throws(BenchmarkFailure) -> MarkedFrame {
        try MarkedFrame(
            messages.map {
                MTPRequest.editedMessage(as: principal, message: $0, text: JSONText(text(sender, content.padding)))
                    .encoded()
            })
    }

    /// The frame that a Parley server pushes for such a message, for a server that only hands frames on.
    static func push(sender: Int, _ content: FanOutContent) throws(BenchmarkFailure) -> MarkedFrame {
        let identifier = MTPIdentifier(String(UInt128.max / 3))
        let time: Int64 = 1_700_000_000
        let message = MessageObject(
            uuid: identifier, clientID: Int64(sender), text: JSONText(text(sender, content.padding)),
            fromUser: identifier, fromFlow: identifier, time: time, filePicture: content.picture.map { JSONText($0) })
        let frame = MTPResponse(
            type: MTPMethod.getUpdate.rawValue, .ok, time: time,
            data: MTPData(time: time, flow: [], message: [message], user: []),
            meta: MTPMeta(push: true, since: String(repeating: "0", count: 24)))
        return try MarkedFrame([frame.encoded()])
    }

    private static func text(_ sender: Int, _ padding: String) -> String {
        "~\(sender / 10)\(sender % 10)" + String(repeating: "0", count: numberDigits) + padding
    }

    /// How long every frame is.
    var byteCount: Int { frames.first?.bytes.count ?? 0 }

    /// The frame of a message.
    func frame(_ number: Int) -> [UInt8] {
        var (frame, numberStart) = frames[number % frames.count]
        var rest = number
        for place in stride(from: numberStart + Self.numberDigits - 1, through: numberStart, by: -1) {
            frame[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return frame
    }

    /// Calls `body` with the sender and the number of each message in a frame, in their order.
    static func forEachMessage(in frame: UnsafeRawBufferPointer, _ body: (_ sender: Int, _ number: Int) -> Void) {
        guard let base = frame.baseAddress else { return }
        let length = 1 + senderDigits + numberDigits
        var start = 0
        while start + length <= frame.count, let found = memchr(base + start, Int32(mark), frame.count - start) {
            let offset = UnsafeRawPointer(found) - base
            guard offset + length <= frame.count else { return }
            let digits = frame[(offset + 1)..<(offset + length)]
            let value = digits.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
            body(value / 100_000_000, value % 100_000_000)
            start = offset + length
        }
    }
}
