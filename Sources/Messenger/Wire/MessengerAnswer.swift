// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What the server says to a request; a message that was taken has no answer.
package enum MessengerAnswer: Equatable, Sendable {
    /// Corresponds to `0x00 0x00`.
    case signedUp
    /// Corresponds to `0x00 0x04`.
    case loginTaken
    /// A sign-up needs a code, or is closed: corresponds to `0x00 0x05`.
    case signUpRefused
    /// Corresponds to `0x01 0x00 ␍ key`.
    case loggedIn(MessengerKey)
    /// Corresponds to `0x01 0x01`.
    case noSuchLogin
    /// Corresponds to `0x01 0x02`.
    case wrongPassword
    /// Corresponds to `0x02 0x00`.
    case loggedOut
    /// Corresponds to `0x03 0x00 ␍ login ␍ status …`; see `contactList(_:)` for lists of any length.
    case contacts([MessengerContact])
    /// Corresponds to `0x03 0x01`.
    case noContacts
    /// Corresponds to `0x04 0x00 ␍ status`.
    case contactAdded(isOnline: Bool)
    /// Corresponds to `0x04 0x01`.
    case noSuchUser
    /// Corresponds to `prefix 0xFF`, for all that was not understood and for keys without a holder.
    case refused(prefix: UInt8)

    /// The answers that hold a list of contacts: more than one if it is too long for a unit.
    ///
    /// - Parameter contacts: Those that are not exact are left out: the client could not write to them.
    /// - Returns: `.noContacts` for an empty list.
    package static func contactList(_ contacts: [MessengerContact]) -> [MessengerAnswer] {
        var answers: [MessengerAnswer] = []
        var part: [MessengerContact] = []
        var count = 2
        for contact in contacts where contact.login.isExact {
            let size = contact.login.text.utf8.count + 3
            if count + size > MessengerUnit.maximumBytes {
                answers.append(.contacts(part))
                part = []
                count = 2
            }
            part.append(contact)
            count += size
        }
        if !part.isEmpty { answers.append(.contacts(part)) }
        return answers.isEmpty ? [.noContacts] : answers
    }

    /// The answer as bytes.
    package func encoded() -> [UInt8] {
        switch self {
        case .signedUp: return [0x00, 0x00]
        case .loginTaken: return [0x00, 0x04]
        case .signUpRefused: return [0x00, 0x05]
        case .loggedIn(let key): return [0x01, 0x00, MessengerByte.separator] + key.bytes
        case .noSuchLogin: return [0x01, 0x01]
        case .wrongPassword: return [0x01, 0x02]
        case .loggedOut: return [0x02, 0x00]
        case .contacts(let contacts):
            var bytes: [UInt8] = [0x03, 0x00]
            for contact in contacts {
                bytes.append(MessengerByte.separator)
                bytes += contact.login.text.utf8
                bytes += [MessengerByte.separator, contact.isOnline ? 1 : 0]
            }
            return bytes
        case .noContacts: return [0x03, 0x01]
        case .contactAdded(let isOnline): return [0x04, 0x00, MessengerByte.separator, isOnline ? 1 : 0]
        case .noSuchUser: return [0x04, 0x01]
        case .refused(let prefix): return [prefix, MessengerByte.refused]
        }
    }

    /// What a client read at one time; `nil` if it is no answer.
    package init?(decoding unit: [UInt8]) {
        guard unit.count >= 2 else { return nil }
        let rest = unit[2...]
        switch (unit[0], unit[1], rest.count) {
        case (0x00, 0x00, 0): self = .signedUp
        case (0x00, 0x04, 0): self = .loginTaken
        case (0x00, 0x05, 0): self = .signUpRefused
        case (0x01, 0x00, 5):
            guard rest[2] == MessengerByte.separator, let key = MessengerKey(rest[3...]) else { return nil }
            self = .loggedIn(key)
        case (0x01, 0x01, 0): self = .noSuchLogin
        case (0x01, 0x02, 0): self = .wrongPassword
        case (0x02, 0x00, 0): self = .loggedOut
        case (0x03, 0x00, 1...):
            guard let contacts = Self.contacts(in: rest) else { return nil }
            self = .contacts(contacts)
        case (0x03, 0x01, 0): self = .noContacts
        case (0x04, 0x00, 2):
            guard rest[2] == MessengerByte.separator, rest[3] <= 1 else { return nil }
            self = .contactAdded(isOnline: rest[3] == 1)
        case (0x04, 0x01, 0): self = .noSuchUser
        case (let prefix, MessengerByte.refused, 0): self = .refused(prefix: prefix)
        default: return nil
        }
    }

    private static func contacts(in bytes: ArraySlice<UInt8>) -> [MessengerContact]? {
        let fields = bytes.split(separator: MessengerByte.separator, omittingEmptySubsequences: false)
        guard fields.count % 2 == 1, fields[0].isEmpty else { return nil }
        var contacts: [MessengerContact] = []
        for index in stride(from: 1, to: fields.count, by: 2) {
            guard let login = String(validating: fields[index], as: UTF8.self), !login.isEmpty,
                fields[index + 1].count == 1, let status = fields[index + 1].first, status <= 1
            else { return nil }
            contacts.append(MessengerContact(login: MessengerLogin(login), isOnline: status == 1))
        }
        return contacts
    }
}

/// One entry of a list of contacts.
package struct MessengerContact: Equatable, Sendable {
    package var login: MessengerLogin
    package var isOnline: Bool

    package init(login: MessengerLogin, isOnline: Bool) {
        self.login = login
        self.isOnline = isOnline
    }
}
