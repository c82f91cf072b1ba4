// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Synchronization

/// Whom a key stands for.
struct MessengerHolder: Sendable {
    var principal: Principal
    /// Of the session, to ask whether it is still good.
    var token: TokenHash
    /// The connection that logged in: it gets the pushes.
    var session: MessengerSession
}

/// The keys of all who are signed in: no two are the same.
final class MessengerKeys: Sendable {
    private let holders = Mutex<[MessengerKey: MessengerHolder]>([:])

    /// A new key for an account that has logged in.
    func issue(to holder: MessengerHolder, using random: inout some RandomNumberGenerator) -> MessengerKey {
        while true {
            let key = MessengerKey.random(using: &random)
            let isNew = holders.withLock { holders in
                guard holders[key] == nil else { return false }
                holders[key] = holder
                return true
            }
            if isNew { return key }
        }
    }

    /// Who holds a key, on whatever connection.
    ///
    /// The table's hash is seeded anew in each process, so that the time of a miss says nothing about the keys in it.
    func holder(of key: MessengerKey) -> MessengerHolder? {
        holders.withLock { $0[key] }
    }

    /// Ends a key.
    func withdraw(_ key: MessengerKey) {
        holders.withLock { $0[key] = nil }
    }

    /// How many are signed in.
    var count: Int { holders.withLock { $0.count } }
}

extension MessengerKey {
    /// Whether both are the same, found out in the same time whatever they are.
    func matches(_ other: MessengerKey) -> Bool {
        zip(bytes, other.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
