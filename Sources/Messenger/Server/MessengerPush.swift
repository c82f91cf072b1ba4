// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Storage

/// How far an account has read on this protocol.
struct MessengerMark: Equatable {
    var user: UserID
    var position: Position
}

/// What the acknowledgements of the peer's TCP mean for the log: a rule without I/O.
struct MessengerMarks {
    /// For each unit on its way what is reached with it.
    private var marks = Deque<MessengerMark?>()

    /// A unit was written; with it everything up to `mark` has been.
    mutating func wrote(_ mark: MessengerMark?) {
        marks.append(mark)
    }

    /// Nothing up to `mark` is left to be written.
    ///
    /// - Returns: Whether that holds at once; otherwise it will with the last unit that is on its way.
    mutating func reached(_ mark: MessengerMark) -> Bool {
        guard let last = marks.indices.last else { return true }
        // The end of another account's pushes is not to be lost.
        if let known = marks[last], known.user != mark.user { return true }
        marks[last] = mark
        return false
    }

    /// The oldest `count` units have arrived.
    ///
    /// - Returns: What is reached by that, the last of each account.
    mutating func acknowledged(_ count: Int) -> [MessengerMark] {
        var reached: [MessengerMark] = []
        for _ in 0..<min(count, marks.count) {
            guard let mark = marks.removeFirst() else { continue }
            if reached.last?.user == mark.user { reached.removeLast() }
            reached.append(mark)
        }
        return reached
    }
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
