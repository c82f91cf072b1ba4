// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Something that the server sends at one time: an answer or a push.
///
/// The old client takes what one read of 4,096 bytes gives it for one unit.
package enum MessengerUnit: Equatable, Sendable {
    case answer(MessengerAnswer)
    /// A part of a message, or the whole: corresponds to `0x02 login ␍ text`.
    case message(from: MessengerLogin, text: String)
    /// A contact came or went: corresponds to `0x05 login ␍ status`.
    case presence(MessengerLogin, isOnline: Bool)

    /// The most bytes of a unit, and of one read of the old client.
    package static let maximumBytes = 4096

    static let presencePrefix: UInt8 = 0x05

    /// The units that show a message to a client, in order.
    ///
    /// Line ends (`CR LF` and `CR`) become `LF`. A text that is too long for a unit is cut between characters, or
    /// within one where a single character is longer than a unit.
    package static func message(_ text: String, from sender: MessengerLogin) -> [MessengerUnit] {
        let room = maximumBytes - sender.text.utf8.count - 2
        let text = withoutCarriageReturns(text)
        if text.utf8.count <= room { return [.message(from: sender, text: text)] }

        var units: [MessengerUnit] = []
        var start = text.startIndex
        var end = start
        var count = 0
        func cut() {
            units.append(.message(from: sender, text: String(text[start..<end])))
            start = end
            count = 0
        }
        while end < text.endIndex {
            let next = text.index(after: end)
            let size = text.utf8.distance(from: end, to: next)
            if count + size > room, count > 0 { cut() }
            if size <= room {
                count += size
                end = next
                continue
            }
            while end < next {
                let scalarEnd = text.unicodeScalars.index(after: end)
                let size = text.utf8.distance(from: end, to: scalarEnd)
                if count + size > room { cut() }
                count += size
                end = scalarEnd
            }
        }
        cut()
        return units
    }

    private static func withoutCarriageReturns(_ text: String) -> String {
        guard text.utf8.contains(MessengerByte.separator) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var isAfterReturn = false
        for byte in text.utf8 {
            if byte == MessengerByte.separator {
                bytes.append(UInt8(ascii: "\n"))
            } else if byte != UInt8(ascii: "\n") || !isAfterReturn {
                bytes.append(byte)
            }
            isAfterReturn = byte == MessengerByte.separator
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The unit as bytes.
    package func encoded() -> [UInt8] {
        switch self {
        case .answer(let answer): return answer.encoded()
        case .message(let sender, let text):
            var bytes = [MessengerCode.logOut.rawValue]
            bytes.reserveCapacity(2 + sender.text.utf8.count + text.utf8.count)
            bytes += sender.text.utf8
            bytes.append(MessengerByte.separator)
            bytes += text.utf8
            return bytes
        case .presence(let login, let isOnline):
            return [Self.presencePrefix] + login.text.utf8 + [MessengerByte.separator, isOnline ? 1 : 0]
        }
    }

    /// What a client read at one time; `nil` if it is nothing that a server sends.
    package init?(decoding unit: [UInt8]) {
        if let answer = MessengerAnswer(decoding: unit) {
            self = .answer(answer)
            return
        }
        guard let prefix = unit.first, let separator = unit.firstIndex(of: MessengerByte.separator), separator > 1,
            let login = String(validating: unit[1..<separator], as: UTF8.self)
        else { return nil }
        let rest = unit[(separator + 1)...]
        switch prefix {
        case MessengerCode.logOut.rawValue:
            guard let text = String(validating: rest, as: UTF8.self) else { return nil }
            self = .message(from: MessengerLogin(login), text: text)
        case Self.presencePrefix:
            guard rest.count == 1, let status = rest.first, status <= 1 else { return nil }
            self = .presence(MessengerLogin(login), isOnline: status == 1)
        default: return nil
        }
    }
}
