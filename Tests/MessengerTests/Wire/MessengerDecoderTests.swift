// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import TestSupport
import Testing

@Suite struct MessengerDecoderTests {
    private typealias Output = MessengerDecoder.Output

    private static let keyBytes = WireSample.keyBytes
    private static let key = WireSample.key

    /// What comes of these pieces, with a pause after the last.
    private func outputs(_ pieces: [[UInt8]], maximumBytes: Int = 1024) -> [Output] {
        var decoder = MessengerDecoder(maximumBytes: maximumBytes)
        return pieces.flatMap { decoder.bytes($0) } + decoder.pause()
    }

    private func refusal(_ bytes: [UInt8]) -> MessengerRefusal.Reason? {
        guard case .refusal(let refusal) = outputs([bytes]).first, refusal.prefix == bytes[0] else { return nil }
        return refusal.reason
    }

    @Test(arguments: WireSample.all)
    func everyRequestIsDecodedHoweverItIsCut(sample: WireSample) {
        let bytes = sample.bytes

        #expect(sample.request.encoded() == bytes)
        #expect(outputs([bytes]) == [.request(sample.request)])
        #expect(outputs(bytes.map { [$0] }) == [.request(sample.request)])
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]].map(Array.init)
                #expect(outputs(pieces) == [.request(sample.request)])
            }
        }
    }

    @Test(arguments: WireSample.all)
    func aPauseInTheMiddleMakesTwoUnits(sample: WireSample) {
        let bytes = sample.bytes
        for cut in 1..<bytes.count {
            var decoder = MessengerDecoder()
            var found = decoder.bytes(Array(bytes[..<cut])) + decoder.pause()
            found += decoder.bytes(Array(bytes[cut...])) + decoder.pause()

            #expect(found == outputs([Array(bytes[..<cut])]) + outputs([Array(bytes[cut...])]))
        }
    }

    @Test func requestsOfAFixedSizeNeedNoPause() {
        var decoder = MessengerDecoder()

        #expect(decoder.bytes([0x03] + Self.keyBytes) == [.request(.contacts(Self.key))])
        #expect(!decoder.isWaiting)
        #expect(
            decoder.bytes([0x03] + Self.keyBytes + [0x02] + Self.keyBytes + [0x03, 0x01]) == [
                .request(.contacts(Self.key)), .request(.logOut(Self.key)),
            ])
        #expect(decoder.isWaiting)
        #expect(decoder.bufferedBytes == 2)
        #expect(decoder.bytes([0x06, 0xFF, 0x00]) == [.request(.contacts(Self.key))])
        #expect(decoder.pause() == [])
    }

    @Test func aRequestAfterOneOfFixedSizeIsSplitOff() {
        for sample in WireSample.all {
            let glued = [0x03] + Self.keyBytes + sample.bytes
            let expected: [Output] = [.request(.contacts(Self.key)), .request(sample.request)]

            #expect(outputs([glued]) == expected)
            #expect(outputs(glued.map { [$0] }) == expected)
        }
    }

    @Test func requestsWithTheSameKeyAreSplitAtThePause() {
        let keyed = WireSample.all.filter { $0.request.key != nil }
        for first in keyed {
            for second in keyed {
                for third in keyed {
                    let glued = first.bytes + second.bytes + third.bytes

                    let expected: [Output] = [first, second, third].map { .request($0.request) }
                    #expect(outputs([glued]) == expected)
                }
            }
        }
    }

    @Test func aTextNeverCarriesTheKeyOfItsSender() {
        let first = [0x06] + Self.keyBytes + "\rbob\rone".utf8
        let second = [0x06] + Self.keyBytes + "\rbob\rtwo".utf8

        #expect(outputs([first + second]).count == 2)
        for output in outputs([first + second]) {
            guard case .request(.send(_, _, let text)) = output else { continue }
            #expect(text == "one" || text == "two")
        }
        // Only the sender's own key ends a text: other control characters belong to it.
        #expect(
            outputs([first + [0x06, 0x01, 0x02, 0x03, 0x04] + "\rbob\r".utf8]) == [
                .request(.send(Self.key, to: .login("bob"), text: "one\u{6}\u{1}\u{2}\u{3}\u{4}\rbob\r"))
            ])
    }

    @Test(
        arguments: [
            ([0x05], .unknownRequest), ([0x07, 0x01], .unknownRequest), ([0xFF], .unknownRequest),
            (Array("GET / HTTP/1.1\r\n".utf8), .unknownRequest),
            ([0x00], .tooFewFields), ([0x00] + Array("a\rb".utf8), .tooFewFields),
            ([0x00] + Array("a\rb\rc\rd".utf8), .tooManyFields), ([0x00] + Array("a\rb\rc\r".utf8), .tooManyFields),
            ([0x01], .tooFewFields), ([0x01] + Array("anna".utf8), .tooFewFields),
            ([0x01] + Array("anna\rp\rq".utf8), .tooManyFields),
            ([0x02], .tooFewFields), ([0x02, 1, 2, 3], .tooFewFields), ([0x02, 1, 2, 3, 0x0D], .malformedKey),
            ([0x03, 0x0D, 2, 3, 4], .malformedKey), ([0x03, 1], .tooFewFields),
            ([0x04, 1, 2, 3, 4], .tooFewFields), ([0x04, 1, 2, 3, 4, 5], .malformedKey),
            ([0x04, 1, 2, 0x0D, 4, 0x0D, 0x61], .malformedKey),
            ([0x04, 1, 2, 3, 4, 0x0D, 0x61, 0x0D], .tooManyFields),
            ([0x06], .tooFewFields), ([0x06, 1, 2, 3, 4, 0x0D, 0x61], .tooFewFields),
            ([0x06, 1, 2, 3, 4, 0x61, 0x0D, 0x61], .malformedKey),
            ([0x01, 0x80, 0x0D, 0x61], .notUTF8), ([0x01, 0x61, 0x0D, 0xC3], .notUTF8),
            ([0x06, 1, 2, 3, 4, 0x0D, 0x61, 0x0D, 0xED, 0xA0, 0x80], .notUTF8),
            ([0x00, 0x61, 0x0D, 0x61, 0x0D, 0x00], .nullCharacter),
            ([0x06, 1, 2, 3, 4, 0x0D, 0x61, 0x0D, 0x00], .nullCharacter),
        ] as [([UInt8], MessengerRefusal.Reason)])
    func whatIsNoRequestIsRefusedWithItsReason(bytes: [UInt8], reason: MessengerRefusal.Reason) {
        #expect(refusal(bytes) == reason)
        #expect(outputs([bytes]).count == 1)
        #expect(outputs(bytes.map { [$0] }) == outputs([bytes]))
    }

    @Test func anUnknownFirstByteIsRefusedOnceAtThePauseAndSkippedUntilThen() {
        var decoder = MessengerDecoder()

        #expect(decoder.bytes([0x09]) == [])
        #expect(decoder.isWaiting)
        #expect(decoder.bytes([0x03] + Self.keyBytes) == [])
        #expect(decoder.pause() == [.refusal(MessengerRefusal(prefix: 0x09, reason: .unknownRequest))])
        #expect(!decoder.isWaiting)
        #expect(decoder.bytes([0x03] + Self.keyBytes) == [.request(.contacts(Self.key))])
    }

    @Test func theLimitIsExactAndWhatExceedsItIsSkipped() {
        let header = [0x06] + Self.keyBytes + "\rbob\r".utf8
        let fitting = header + [UInt8](repeating: 0x61, count: 1024 - header.count)
        let refused: [Output] = [.refusal(MessengerRefusal(prefix: 0x06, reason: .tooLong))]

        #expect(
            outputs([fitting]) == [
                .request(.send(Self.key, to: .login("bob"), text: String(repeating: "a", count: 1024 - header.count)))
            ])
        #expect(outputs([fitting + [0x61]]) == refused)
        #expect(outputs((fitting + [0x61]).map { [$0] }) == refused)

        var decoder = MessengerDecoder(maximumBytes: 1024)
        var found: [Output] = []
        for _ in 0..<1000 {
            found += decoder.bytes(fitting)
            #expect(decoder.bufferedBytes <= 1024)
        }
        #expect(found == [])
        #expect(decoder.pause() == refused)
        #expect(decoder.bytes(fitting) + decoder.pause() == outputs([fitting]))
    }

    @Test func aTinyLimitIsRaisedToAUsableOne() {
        #expect(MessengerDecoder(maximumBytes: -1).maximumBytes == 64)
    }

    @Test func everyTruncationOfAConversationIsSurvived() {
        let units = WireSample.all.map(\.bytes)
        let whole = WireSample.all.map { Output.request($0.request) }
        let total = units.reduce(0) { $0 + $1.count }

        for length in 0...total {
            var decoder = MessengerDecoder()
            var left = length
            var found: [Output] = []
            var complete = 0
            for unit in units where left > 0 {
                found += decoder.bytes(Array(unit.prefix(left))) + decoder.pause()
                if left >= unit.count { complete += 1 }
                left -= min(left, unit.count)
            }
            #expect(Array(found.prefix(complete)) == Array(whole.prefix(complete)))
            #expect(found.count <= complete + 1)
            #expect(!decoder.isWaiting)
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func randomInputMeansTheSameInEveryCut(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            // Segments between pauses: noise, real requests, and both glued together.
            let segments: [[UInt8]] = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                (0..<Int.random(in: 0...4, using: &generator)).flatMap { _ -> [UInt8] in
                    if Bool.random(using: &generator) {
                        return WireSample.all.randomElement(using: &generator)?.bytes ?? []
                    }
                    let top: UInt8 = Bool.random(using: &generator) ? 0x0F : 0xFF
                    return (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                        UInt8.random(in: 0...top, using: &generator)
                    }
                }
            }

            var whole = MessengerDecoder(maximumBytes: 100)
            let expected = segments.flatMap { whole.bytes($0) + whole.pause() }

            var cut = MessengerDecoder(maximumBytes: 100)
            var found: [Output] = []
            for segment in segments {
                var rest = segment[...]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...7, using: &generator)
                    found += cut.bytes(rest.prefix(size))
                    rest = rest.dropFirst(size)
                    #expect(cut.bufferedBytes <= cut.maximumBytes)
                }
                found += cut.pause()
                #expect(!cut.isWaiting && cut.bufferedBytes == 0)
            }
            #expect(found == expected)
        }
    }

    @Test func refusalsSayNothingOfTheContents() {
        for reason in MessengerRefusal.Reason.allCases {
            let text = MessengerRefusal(prefix: 0x01, reason: reason).description
            #expect(text.contains("1") && !text.isEmpty)
        }
    }

    @Test(
        arguments: [
            ("#0", .group(0)), ("#17", .group(17)), ("#999999999999999999", .group(999_999_999_999_999_999)),
            ("#", .login("#")), ("#-1", .login("#-1")), ("#+1", .login("#+1")), ("#1a", .login("#1a")),
            ("#1234567890123456789", .login("#1234567890123456789")), ("#١", .login("#١")), ("17", .login("17")),
            ("", .login("")),
        ] as [(String, MessengerRecipient)])
    func aRecipientIsAGroupOrALogin(text: String, recipient: MessengerRecipient) {
        #expect(MessengerRecipient(text) == recipient)
        #expect(recipient.text == text)
    }
}
