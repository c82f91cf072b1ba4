// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension MessengerRequest {
    /// Takes apart one request; nothing may follow it.
    init(decoding request: ArraySlice<UInt8>) throws(MessengerRefusal) {
        guard let prefix = request.first, let code = MessengerCode(rawValue: prefix) else {
            throw MessengerRefusal(prefix: request.first ?? 0, reason: .unknownRequest)
        }
        let body = request.dropFirst()
        do throws(FieldFailure) {
            switch code {
            case .signUp:
                let fields = try Self.fields(body, count: 3)
                self = .signUp(email: fields[0], login: fields[1], password: fields[2])
            case .logIn:
                let fields = try Self.fields(body, count: 2)
                self = .logIn(login: fields[0], password: fields[1])
            case .logOut: self = .logOut(try Self.key(body))
            case .contacts: self = .contacts(try Self.key(body))
            case .addContact:
                let (key, rest) = try Self.keyAndRest(body)
                self = .addContact(key, login: try Self.fields(rest, count: 1)[0])
            case .send:
                let (key, rest) = try Self.keyAndRest(body)
                guard let end = rest.firstIndex(of: MessengerByte.separator) else {
                    throw FieldFailure(reason: .tooFewFields)
                }
                let recipient = MessengerRecipient(try Self.text(rest[..<end]))
                self = .send(key, to: recipient, text: try Self.text(rest[(end + 1)...]))
            }
        } catch {
            throw MessengerRefusal(prefix: prefix, reason: error.reason)
        }
    }

    /// Where the first request in `requests` ends.
    ///
    /// Requests have no length, but one that begins with a key cannot contain the beginning of another with the same
    /// key except by intent: a text never holds a control character followed by the sender's key. Without this rule
    /// such a text would carry the key to another account.
    static func end(ofFirstIn requests: ArraySlice<UInt8>) -> Int {
        guard let code = requests.first.flatMap(MessengerCode.init(rawValue:)) else { return requests.endIndex }
        if let size = code.fixedSize { return min(requests.startIndex + size, requests.endIndex) }
        let fields = requests.startIndex + keyedBytes
        guard code.isKeyed, fields < requests.endIndex, requests[fields] == MessengerByte.separator else {
            return requests.endIndex
        }
        let key = requests[(requests.startIndex + 1)..<fields]
        var index = fields + 1
        while index + keyedBytes <= requests.endIndex {
            if requests[index] <= MessengerCode.send.rawValue, let next = MessengerCode(rawValue: requests[index]),
                next.isKeyed || next.fixedSize != nil, requests[(index + 1)..<(index + keyedBytes)] == key,
                !next.isKeyed
                    || index + keyedBytes < requests.endIndex
                        && requests[index + keyedBytes] == MessengerByte.separator
            {
                return index
            }
            index += 1
        }
        return requests.endIndex
    }

    /// Why one field is none; the request's first byte is added above.
    private struct FieldFailure: Error {
        var reason: MessengerRefusal.Reason
    }

    private static func key(_ bytes: ArraySlice<UInt8>) throws(FieldFailure) -> MessengerKey {
        guard bytes.count >= 4 else { throw FieldFailure(reason: .tooFewFields) }
        guard let key = MessengerKey(bytes) else { throw FieldFailure(reason: .malformedKey) }
        return key
    }

    private static func keyAndRest(
        _ bytes: ArraySlice<UInt8>
    ) throws(FieldFailure) -> (MessengerKey, ArraySlice<UInt8>) {
        guard bytes.count > 4 else { throw FieldFailure(reason: .tooFewFields) }
        guard let key = MessengerKey(bytes), bytes[bytes.startIndex + 4] == MessengerByte.separator else {
            throw FieldFailure(reason: .malformedKey)
        }
        return (key, bytes.dropFirst(5))
    }

    private static func fields(_ bytes: ArraySlice<UInt8>, count: Int) throws(FieldFailure) -> [String] {
        let parts = bytes.split(separator: MessengerByte.separator, maxSplits: count, omittingEmptySubsequences: false)
        guard parts.count >= count else { throw FieldFailure(reason: .tooFewFields) }
        guard parts.count == count else { throw FieldFailure(reason: .tooManyFields) }
        var fields: [String] = []
        for part in parts { fields.append(try text(part)) }
        return fields
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws(FieldFailure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FieldFailure(reason: .notUTF8) }
        guard !bytes.contains(0) else { throw FieldFailure(reason: .nullCharacter) }
        return text
    }
}
