// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds

/// What is counted: the same for all protocols.
package enum LimitedAction: Int, Sendable, CaseIterable {
    /// A message, an edit, a deletion, a flow, a member, a contact.
    case write
    /// A request for messages, flows, people or updates.
    case read
    /// A new account.
    case registration
    /// A login with a password or a challenge.
    case login
    /// A change of one's own profile or key.
    case profileChange
}

/// Something for each action.
package struct PerAction<Value: Sendable>: Sendable {
    package var write: Value
    package var read: Value
    package var registration: Value
    package var login: Value
    package var profileChange: Value

    /// The same for all.
    package init(repeating value: Value) {
        (write, read, registration, login, profileChange) = (value, value, value, value, value)
    }

    package subscript(action: LimitedAction) -> Value {
        get {
            switch action {
            case .write: write
            case .read: read
            case .registration: registration
            case .login: login
            case .profileChange: profileChange
            }
        }
        set {
            switch action {
            case .write: write = newValue
            case .read: read = newValue
            case .registration: registration = newValue
            case .login: login = newValue
            case .profileChange: profileChange = newValue
            }
        }
    }
}

extension PerAction: Equatable where Value: Equatable {}

/// `[RATE_LIMIT]`: how much an account and a network may do, and how much an account may have.
package struct RateLimits: Sendable, Equatable {
    /// For each account that has no limits of its own.
    package var account = PerAction<Rate?>(repeating: nil)
    /// For each address, of version 6 each /64 network; not for this machine's own.
    package var address = PerAction<Rate?>(repeating: nil)
    /// Groups and channels that an account may own; `nil`: any number.
    package var flows: Int?
    /// How many of them may be public; `nil`: all.
    package var publicFlows: Int?
    /// What the messages of an account may take in the store; `nil`: any amount.
    package var bytes: Int?

    /// Without any limit.
    package static let none = RateLimits()

    /// Without any limit.
    package init() {}
}

/// The limits of one account that are not those of the settings.
///
/// Its text form is `write=600/m burst 100; read=off; flows=50; bytes=off`.
package struct AccountLimits: Sendable, Equatable, CustomStringConvertible {
    /// Something that takes the place of a value of the settings.
    package enum Own<Value: Sendable & Equatable>: Sendable, Equatable {
        case value(Value)
        /// No limit.
        case off
    }

    /// By action; those that are missing have the rate of the settings.
    package var rates: [LimitedAction: Own<Rate>] = [:]
    /// Also of public ones.
    package var flows: Own<Int>?
    package var bytes: Own<Int>?

    /// As the settings have it.
    package init() {}

    /// Whether nothing differs from the settings.
    package var isEmpty: Bool { rates.isEmpty && flows == nil && bytes == nil }

    /// Actions that an account can have a rate of its own for, with their names.
    package static let names: [(action: LimitedAction, name: String)] = [
        (.write, "write"), (.read, "read"), (.login, "login"), (.profileChange, "profile"),
    ]

    /// Reads the text form; `nil` for anything else.
    package init?(_ text: String) {
        guard text.utf8.count <= 1000 else { return nil }
        for part in text.split(separator: ";") {
            let words = part.split(separator: "=", maxSplits: 1).map { Self.trimmed($0) }
            guard words.count == 2 else { return nil }
            switch words[0] {
            case "flows":
                guard let own = Self.own(words[1], { Int($0) }) else { return nil }
                flows = own
            case "bytes":
                guard let own = Self.own(words[1], { Int($0) }) else { return nil }
                bytes = own
            default:
                guard let action = Self.names.first(where: { $0.name == words[0] })?.action,
                    let own = Self.own(words[1], { Rate($0) })
                else { return nil }
                rates[action] = own
            }
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// `off`, or a value.
    package static func own<Value>(_ text: some StringProtocol, _ parse: (Substring) -> Value?) -> Own<Value>? {
        text == "off" ? .off : parse(Substring(text)).map { .value($0) }
    }

    /// The text form.
    package var description: String {
        var parts: [String] = []
        for (action, name) in Self.names {
            if let own = rates[action] { parts.append("\(name)=\(Self.text(own))") }
        }
        if let flows { parts.append("flows=\(Self.text(flows))") }
        if let bytes { parts.append("bytes=\(Self.text(bytes))") }
        return parts.joined(separator: "; ")
    }

    /// `off`, or the value.
    package static func text<Value>(_ own: Own<Value>) -> String {
        switch own {
        case .off: "off"
        case .value(let value): "\(value)"
        }
    }

    func rate(of action: LimitedAction, standard: Rate?) -> Rate? {
        switch rates[action] {
        case nil: standard
        case .off: nil
        case .value(let rate): rate
        }
    }

    static func limit(_ own: Own<Int>?, standard: Int?) -> Int? {
        switch own {
        case nil: standard
        case .off: nil
        case .value(let limit): limit
        }
    }
}
