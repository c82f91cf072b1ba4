// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What a client asks for: everything is UTF-8 and in its place, nothing is checked for sense.
package enum MessengerRequest: Equatable, Sendable {
    /// Corresponds to `0x00`.
    case signUp(email: String, login: String, password: String)
    /// Corresponds to `0x01`.
    case logIn(login: String, password: String)
    /// Corresponds to `0x02`.
    case logOut(MessengerKey)
    /// Corresponds to `0x03`.
    case contacts(MessengerKey)
    /// Corresponds to `0x04`.
    case addContact(MessengerKey, login: String)
    /// Corresponds to `0x06`; the text may hold carriage returns.
    case send(MessengerKey, to: MessengerRecipient, text: String)

    /// The first byte and a key.
    static let keyedBytes = 5

    /// The first byte, which the answer begins with.
    package var prefix: UInt8 { code.rawValue }

    /// Who asks; `nil` before a login.
    package var key: MessengerKey? {
        switch self {
        case .signUp, .logIn: nil
        case .logOut(let key), .contacts(let key), .addContact(let key, _), .send(let key, _, _): key
        }
    }

    var code: MessengerCode {
        switch self {
        case .signUp: .signUp
        case .logIn: .logIn
        case .logOut: .logOut
        case .contacts: .contacts
        case .addContact: .addContact
        case .send: .send
        }
    }

    /// The request as bytes, for clients; it may hold a password.
    ///
    /// A carriage return in another field than the text makes it a different request: the protocol has no escape.
    package func encoded() -> [UInt8] {
        var bytes = [prefix] + (key?.bytes ?? [])
        switch self {
        case .signUp(let email, let login, let password):
            bytes += email.utf8
            bytes.append(MessengerByte.separator)
            bytes += login.utf8
            bytes.append(MessengerByte.separator)
            bytes += password.utf8
        case .logIn(let login, let password):
            bytes += login.utf8
            bytes.append(MessengerByte.separator)
            bytes += password.utf8
        case .logOut, .contacts: break
        case .addContact(_, let login):
            bytes.append(MessengerByte.separator)
            bytes += login.utf8
        case .send(_, let recipient, let text):
            bytes.append(MessengerByte.separator)
            bytes += recipient.text.utf8
            bytes.append(MessengerByte.separator)
            bytes += text.utf8
        }
        return bytes
    }
}

/// Whom a message goes to.
package enum MessengerRecipient: Hashable, Sendable {
    case login(String)
    /// The group with this row number, written `#ROW`.
    ///
    /// A login of this shape cannot be written to on this protocol.
    case group(Int64)

    /// `#` and 1 to 18 digits is a group, all else a login.
    package init(_ text: String) {
        let digits = text.utf8.dropFirst()
        if text.utf8.first == UInt8(ascii: "#"), digits.count <= 18,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let row = Int64(text.dropFirst())
        {
            self = .group(row)
        } else {
            self = .login(text)
        }
    }

    /// As it is written.
    package var text: String {
        switch self {
        case .login(let login): login
        case .group(let row): "#\(row)"
        }
    }
}

/// Bytes that are no request; answered with the first of them and `0xFF`.
package struct MessengerRefusal: Error, Equatable, Sendable {
    /// Why.
    package enum Reason: Equatable, Sendable, CaseIterable {
        /// No request begins with this byte.
        case unknownRequest
        case tooFewFields
        case tooManyFields
        /// Four bytes without `0x0D`, followed by `0x0D` where more follows, are not there.
        case malformedKey
        case notUTF8
        /// U+0000, which no store can keep.
        case nullCharacter
        /// More than `MessengerDecoder.maximumBytes` without a pause.
        case tooLong
    }

    /// The first byte of what came.
    package var prefix: UInt8
    package var reason: Reason

    package init(prefix: UInt8, reason: Reason) {
        self.prefix = prefix
        self.reason = reason
    }
}

extension MessengerRefusal: CustomStringConvertible {
    /// For the log: nothing of what came but its first byte.
    package var description: String {
        switch reason {
        case .unknownRequest: "no request begins with the byte \(prefix)"
        case .tooFewFields: "request \(prefix) has too few fields"
        case .tooManyFields: "request \(prefix) has too many fields"
        case .malformedKey: "request \(prefix) has no key that could be one"
        case .notUTF8: "request \(prefix) is not UTF-8"
        case .nullCharacter: "request \(prefix) contains U+0000"
        case .tooLong: "request \(prefix) is too long, or many came without a pause"
        }
    }
}
