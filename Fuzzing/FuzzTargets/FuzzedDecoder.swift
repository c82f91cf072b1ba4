// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What reads bytes from outside, as a fuzzer calls it.
package enum FuzzedDecoder: String, CaseIterable, Sendable {
    case webSocket = "websocket"
    case json
    case mtp
    case cbor
    case skaro
    case messenger
    case fastChat = "fastchat"
    case ini
    case adminSocket = "admin"

    /// Decodes any bytes.
    ///
    /// - Throws: `BrokenPromise` when what was decoded is not what the decoder promises; refusals are no errors.
    package func run(_ bytes: [UInt8]) throws(BrokenPromise) {
        switch self {
        case .webSocket: try Self.webSocket(bytes)
        case .json: try Self.json(bytes)
        case .mtp: try Self.mtp(bytes)
        case .cbor: try Self.cbor(bytes)
        case .skaro: try Self.skaro(bytes)
        case .messenger: try Self.messenger(bytes)
        case .fastChat: try Self.fastChat(bytes)
        case .ini: try Self.ini(bytes)
        case .adminSocket: try Self.adminSocket(bytes)
        }
    }
}

/// A decoder did not do what it promises for every input.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Throws unless a promise holds.
    static func unless(_ holds: Bool, _ promise: String) throws(BrokenPromise) {
        if !holds { throw BrokenPromise(promise) }
    }
}

/// Cuts bytes into pieces of a few bytes each, the same each time.
struct Pieces: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>
    private var seed: UInt8

    init(of bytes: [UInt8]) {
        rest = bytes[...]
        seed = bytes.reduce(UInt8(truncatingIfNeeded: bytes.count)) { $0 &* 31 &+ $1 }
    }

    mutating func next() -> [UInt8]? {
        guard !rest.isEmpty else { return nil }
        seed = seed &* 13 &+ 7
        let piece = rest.prefix(Int(seed >> 4) + 1)
        rest = rest.dropFirst(piece.count)
        return Array(piece)
    }
}
