// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Operations

/// The accounts that a dry run has seen.
///
/// A real run finds those that come again in the store; a dry run writes none.
struct TriedUsers {
    /// An account that comes again, and the first one of its uuid or login.
    struct Again {
        var user: ImportedUser
        var first: String
        var isSameUser: Bool
    }

    /// What the first account of each uuid and of each login is called in the report.
    private var byUUID: [String: String] = [:]
    private var byLogin: [String: String] = [:]
    /// Why accounts were not taken, by what they are called.
    private var refusals: [String: String] = [:]

    /// Takes those apart that come again.
    mutating func sort(_ users: [ImportedUser]) -> (new: [ImportedUser], again: [Again]) {
        var new: [ImportedUser] = []
        var again: [Again] = []
        for user in users {
            let item = "user \(user.login)"
            if let first = byUUID[user.uuid] {
                again.append(Again(user: user, first: first, isSameUser: true))
                continue
            }
            byUUID[user.uuid] = item
            // What is longer is no login and is refused as that; a deleted account has a login of its own.
            guard !user.isDeleted, user.login.utf8.count <= ChatLimits.loginBytes else {
                new.append(user)
                continue
            }
            let key = Login.key(of: user.login)
            if let first = byLogin[key] {
                again.append(Again(user: user, first: first, isSameUser: false))
            } else {
                byLogin[key] = item
                new.append(user)
            }
        }
        return (new, again)
    }

    /// What a real run would say of those that come again; `refused` are those of the new ones that were not taken.
    mutating func outcome(of again: [Again], refused: [ImportOutcome.Remark]) -> ImportOutcome {
        for remark in refused { refusals[remark.item] = remark.reason }
        var outcome = ImportOutcome()
        for other in again {
            let item = "user \(other.user.login)"
            if let reason = refusals[other.first] {
                outcome.skipped.append(.init(item, reason))
            } else if other.isSameUser {
                outcome.existing += 1
            } else {
                outcome.skipped.append(.init(item, "A user with login '\(other.user.login)' exists already."))
            }
        }
        return outcome
    }
}
