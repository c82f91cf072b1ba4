// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import JSON
import MTP
import TestClient

/// The requests of one connection, in turn; in those that send, only the number of the message changes.
struct RequestFrames: Sendable {
    /// Every number has fifteen digits, so that all frames are of one length and a double holds it.
    static let factor: Int64 = 1_000_000_000_000
    private static let firstConnection: Int64 = 100
    /// The most connections whose numbers have fifteen digits.
    static let maximumConnections = 900
    private static let digits = 15
    private static let member = Array(#""client_id":"#.utf8)

    /// With where the number begins; `nil` where there is none.
    private let frames: [(bytes: [UInt8], numberStart: Int?)]
    /// The number of the connection's first message; `nil` when its requests have none.
    let firstID: Int64?
    /// What an answer must contain to count.
    let proof: [UInt8]

    /// `send_message`.
    ///
    /// - Parameters:
    ///   - index: Which connection, from 0.
    ///   - principal: Who sends.
    ///   - flows: Where to, in turn.
    ///   - text: What every message says.
    /// - Returns: The requests.
    static func messages(_ index: Int, as principal: MTPCredentials, to flows: [String], text: String) -> RequestFrames
    {
        let firstID = (firstConnection + Int64(index)) * factor
        return RequestFrames(
            flows.map { .sendMessage(as: principal, flow: $0, MessageObject(clientID: firstID, text: JSONText(text))) },
            firstID: firstID, proof: success)
    }

    /// `ping_pong`.
    static func pings(as principal: MTPCredentials) -> RequestFrames {
        RequestFrames([.pingPong(as: principal)], firstID: nil, proof: success)
    }

    /// `all_messages`, the pages of a flow in turn.
    static func pages(as principal: MTPCredentials, of flow: String, count: Int, messages: Int) -> RequestFrames {
        let requests = (0..<Int64(count)).map { page in
            MTPRequest.allMessages(
                as: principal, flow: flow, start: page * Int64(messages), end: (page + 1) * Int64(messages))
        }
        return RequestFrames(requests, firstID: nil, proof: #""errors":{"code":20"#)
    }

    /// What a server answers to what succeeded.
    static let success = #""errors":{"code":200,"#

    private init(_ requests: [MTPRequest], firstID: Int64?, proof: String) {
        frames = requests.map { request in
            let bytes = request.encoded()
            return (bytes, firstID == nil ? nil : bytes.withUnsafeBytes { Self.numberStart(in: $0) })
        }
        self.firstID = firstID
        self.proof = Array(proof.utf8)
    }

    private init(_ other: RequestFrames, proof: String) {
        frames = other.frames
        firstID = other.firstID
        self.proof = Array(proof.utf8)
    }

    /// The same requests to a server that sends back what it gets.
    func echoed() -> RequestFrames { RequestFrames(self, proof: #""jsonapi":"#) }

    /// How long the first frame is.
    var byteCount: Int { frames.first?.bytes.count ?? 0 }

    /// How many different requests there are.
    var variants: Int { frames.count }

    /// Which connection sent a number, and as which of its messages.
    static func origin(of clientID: Int64) -> (connection: Int, message: Int64) {
        (Int(clientID / factor - firstConnection), clientID % factor)
    }

    /// The connection's request at an index.
    func frame(_ number: Int) -> [UInt8] {
        var (frame, start) = frames[number % frames.count]
        guard let firstID, let start else { return frame }
        var rest = firstID + Int64(number)
        for place in stride(from: start + Self.digits - 1, through: start, by: -1) {
            frame[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return frame
    }

    /// Whether a frame answers the request at an index.
    func isAnswer(_ frame: UnsafeRawBufferPointer, to number: Int) -> Bool {
        guard frame.firstOffset(of: proof) != nil else { return false }
        guard let firstID else { return true }
        return Self.clientID(in: frame) == firstID + Int64(number)
    }

    private static func clientID(in answer: UnsafeRawBufferPointer) -> Int64? {
        guard let start = numberStart(in: answer), answer.count >= start + digits else { return nil }
        var number: Int64 = 0
        for byte in answer[start..<start + digits] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func numberStart(in bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.firstOffset(of: member).map { $0 + member.count }
    }
}
