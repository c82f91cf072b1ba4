// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import TestClient
import Testing

struct MessengerUnitReaderTests {
    private static let key: [UInt8] = [0x01, 0x06, 0xFF, 0x00]

    private static let units: [[UInt8]] = [
        [0x00, 0x00], [0x00, 0x04], [0x00, 0x05], [0x00, 0xFF], [0x01, 0x00, 0x0D] + key, [0x01, 0x01], [0x01, 0x02],
        [0x02, 0x00], [0x02, 0xFF], [0x03, 0x00] + Array("\ranna\r\u{1}\rbob\r\u{0}".utf8), [0x03, 0x01],
        [0x04, 0x00, 0x0D, 0x01], [0x04, 0x01], [0x05] + Array("anna\r\u{1}".utf8),
        [0x02] + Array("béla\rHi\n👋🏽".utf8), [0x06, 0xFF], [0x02] + Array("b\r".utf8),
    ]

    @Test(arguments: units)
    func unitOfItsOwnIsOne(unit: [UInt8]) {
        var reader = MessengerUnitReader()

        let units = reader.read(unit)

        #expect(units?.map { $0.encoded() } == [unit])
    }

    @Test(arguments: units)
    func unitsTogetherAreToldApart(first: [UInt8]) {
        for second in Self.units {
            var reader = MessengerUnitReader()

            let units = reader.read(first + second)

            #expect(units?.map { $0.encoded() } == [first, second])
        }
    }

    @Test func piecesArePutTogether() {
        var reader = MessengerUnitReader()
        var counts: [Int?] = []
        for byte in [0x01, 0x00, 0x0D] + Self.key.dropLast() { counts.append(reader.read([byte])?.count) }

        let units = reader.read([0x00])

        #expect(counts == [0, 0, 0, 0, 0, 0])
        #expect(units?.map { $0.encoded() } == [[0x01, 0x00, 0x0D] + Self.key])
    }

    @Test func restOfATextIsAMessageOfItsSender() {
        var reader = MessengerUnitReader()
        let bytes = Array("\u{2}anna\r1é2".utf8)

        let units = [
            reader.read(Array(bytes[..<8])), reader.read(Array(bytes[8...]) + [0x02, 0x00]),
            reader.read(Array("3".utf8)),
        ]

        #expect(units[0] == [])
        #expect(units[1] == [.message(from: MessengerLogin("anna"), text: "1é2"), .answer(.loggedOut)])
        #expect(units[2] == [])

        var other = MessengerUnitReader()
        let parts = [other.read(Array("\u{2}anna\r1".utf8)), other.read(Array("2\u{5}bob\r\u{1}".utf8))]
        #expect(parts[0] == [.message(from: MessengerLogin("anna"), text: "1")])
        #expect(
            parts[1] == [
                .message(from: MessengerLogin("anna"), text: "2"), .presence(MessengerLogin("bob"), isOnline: true),
            ])
    }

    /// The work grew with two to the number of messages when the last one was cut inside a character.
    @Test func manyMessagesTogetherAreToldApartAtOnce() {
        var reader = MessengerUnitReader()
        let messages = (0..<500).map { [0x02] + Array("anna\r\($0)".utf8) } + [[0x02] + Array("anna\r🙂".utf8)]
        let bytes = Array(messages.joined())

        let first = reader.read(Array(bytes.dropLast()))
        let second = reader.read(Array(bytes.suffix(1)))

        #expect(first == [])
        #expect(second?.map { $0.encoded() } == messages)
    }

    @Test func rubbishIsKeptWithinABound() {
        var reader = MessengerUnitReader()
        let rubbish = [UInt8](repeating: 0x41, count: 1 << 20)

        let first = reader.read(rubbish)
        let second = reader.read([0x41])

        #expect(first == [])
        #expect(second == nil)
    }
}
