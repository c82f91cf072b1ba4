// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness

/// What happens in the group.
enum FanOutContent: String, CaseIterable, Sendable {
    case messages
    /// Of messages that are there.
    case edits
    /// Messages with a picture of 1 MB.
    case attachments

    /// What a message says behind its number.
    var padding: String { String(repeating: "x", count: 89) }

    /// The attachment of each message.
    var picture: String? { self == .attachments ? String(repeating: "x", count: 1_000_000) : nil }
}

/// One group of lines in the table: what happens, to how many members, and how much of it at the same time.
struct FanOutMeasure: Hashable, Sendable {
    let content: FanOutContent
    let members: Int
    let outstanding: [Int]
}

/// The options of this benchmark, checked.
struct FanOutOptions: Sendable {
    let measures: [FanOutMeasure]
    let senders: Int
    let rounds: Int
    let seconds: Int
    let warmUp: Int
    let addresses: Int
    let folder: String
    let server: String

    init(words: some Sequence<String>) throws(BenchmarkFailure) {
        let options = try BenchmarkOptions(
            words: words,
            defaults: [
                "measures": "messages,edits,attachments", "members": "1000,10000", "outstanding": "1,8", "senders": "1",
                "rounds": "3", "seconds": "5", "warm-up": "2", "addresses": "8", "folder": "/var/tmp", "server": "",
            ])
        let members = try options.numbers("members", in: 1...1_000_000)
        let outstanding = try options.numbers("outstanding", in: 1...ReceiverTally.places)
        var measures: [FanOutMeasure] = []
        for word in try options.words("measures", of: FanOutContent.allCases.map(\.rawValue)) {
            guard let content = FanOutContent(rawValue: word) else { continue }
            switch content {
            case .messages:
                measures += members.map { FanOutMeasure(content: content, members: $0, outstanding: outstanding) }
            case .edits:
                measures.append(
                    FanOutMeasure(content: content, members: members.max() ?? 1, outstanding: outstanding))
            case .attachments:
                measures.append(FanOutMeasure(content: content, members: members.min() ?? 1, outstanding: [1]))
            }
        }
        self.measures = measures
        senders = try options.number("senders", in: 1...MarkedFrame.maximumSenders)
        rounds = try options.number("rounds", in: 1...1000)
        seconds = try options.number("seconds", in: 1...3600)
        warmUp = try options.number("warm-up", in: 0...3600)
        addresses = try options.number("addresses", in: 1...250)
        folder = options.text("folder")
        server = options.text("server")
    }

    /// The members of the largest group.
    var mostMembers: Int { measures.map(\.members).max() ?? 1 }
}
