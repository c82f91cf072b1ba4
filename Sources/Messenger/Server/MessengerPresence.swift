// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Storage

/// How far an account has read on this protocol.
struct MessengerMark: Equatable {
    var user: UserID
    var position: Position
}

/// Who of the contacts came or went and was not told yet: a rule without I/O.
///
/// A slow reader costs one entry for each contact, and is told the last state.
struct MessengerPresence {
    private var told: [UserID: Bool] = [:]
    private var waiting: [UserID: (login: MessengerLogin, isOnline: Bool)] = [:]
    private var order = Deque<UserID>()

    mutating func note(_ user: UserID, login: String, isOnline: Bool) {
        let login = MessengerLogin(login)
        // Such a person is not in the list either.
        guard login.isExact else { return }
        if waiting.updateValue((login, isOnline), forKey: user) == nil { order.append(user) }
    }

    /// What to tell next; who is again what they were is not told.
    mutating func next() -> MessengerUnit? {
        while let user = order.popFirst() {
            guard let (login, isOnline) = waiting.removeValue(forKey: user), told[user] != isOnline else { continue }
            told[user] = isOnline
            return .presence(login, isOnline: isOnline)
        }
        return nil
    }
}
