// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Storage
import Synchronization

/// What `Chat` remembers of accounts, so that showing a message costs no read.
///
/// It holds so many bytes at most; who was not looked at for longest is forgotten first.
final class Directory: Sendable {
    private struct State {
        var generation = 0
        var people: RecentlyUsed<UserID, Person>
        var byLogin: [String: UserID] = [:]
        var byNumber: [Int64: UserID] = [:]

        mutating func forget(_ person: Person) {
            if byNumber[person.publicNumber] == person.id { byNumber[person.publicNumber] = nil }
            let key = Login.key(of: person.login)
            if byLogin[key] == person.id { byLogin[key] = nil }
        }
    }

    private let state: Mutex<State>

    init(maximumBytes: Int = 64 << 20) {
        state = Mutex(State(people: RecentlyUsed(capacity: maximumBytes)))
    }

    /// To be taken before a read whose result is to be remembered.
    var generation: Int { state.withLock { $0.generation } }

    /// What is held now, in bytes, for tests.
    var bytes: Int { state.withLock { $0.people.cost } }

    func person(_ id: UserID) -> Person? {
        state.withLock { $0.people.value(for: id) }
    }

    func person(loginKey: String) -> Person? {
        state.withLock { state in state.byLogin[loginKey].flatMap { state.people.value(for: $0) } }
    }

    func person(publicNumber: Int64) -> Person? {
        state.withLock { state in state.byNumber[publicNumber].flatMap { state.people.value(for: $0) } }
    }

    func remember(_ person: Person, loginKey: String, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if !person.isDeleted {
                state.byLogin[loginKey] = person.id
                state.byNumber[person.publicNumber] = person.id
            }
            for evicted in state.people.set(person, for: person.id, cost: Self.cost(of: person)) {
                state.forget(evicted.value)
            }
        }
    }

    /// Its texts, and about what the entries of the three tables take.
    private static func cost(of person: Person) -> Int {
        512 + 2 * person.login.utf8.count + person.username.utf8.count + person.bio.utf8.count
            + person.avatar.utf8.count
    }

    /// Forgets everybody, also those who are being read.
    func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.people.removeAll()
            state.byLogin = [:]
            state.byNumber = [:]
        }
    }

    /// Forgets the accounts that these events changed.
    func invalidate(by events: [LogEvent]) {
        for event in events where event.kind == .user {
            guard let user = event.subject else { continue }
            state.withLock { state in
                state.generation += 1
                if let person = state.people.remove(UserID(user)) { state.forget(person) }
            }
        }
    }
}

extension Chat {
    /// What everybody may know of an account; reads only what is not in memory.
    package func person(_ id: UserID) async throws(ChatError) -> Person {
        if let known = directory.person(id) { return known }
        return try await remembered { try await storage.user(id) }
    }

    /// The account with a login.
    ///
    /// - Throws: `.noSuchUser`, also for one that is hidden or deleted.
    package func person(login: String) async throws(ChatError) -> Person {
        guard login.utf8.count <= ChatLimits.loginBytes, !login.utf8.contains(0) else { throw .noSuchUser }
        let key = Login.key(of: login)
        if let known = directory.person(loginKey: key) { return try shown(known) }
        return try shown(
            await remembered { try await storage.user(loginKey: key) })
    }

    /// The same if it is in memory, at once; `nil` if the account has to be read.
    package func knownPerson(login: String) throws(ChatError) -> Person? {
        guard login.utf8.count <= ChatLimits.loginBytes, !login.utf8.contains(0) else { throw .noSuchUser }
        guard let known = directory.person(loginKey: Login.key(of: login)) else { return nil }
        return try shown(known)
    }

    /// The account that FastChat's clients know by a number.
    ///
    /// - Throws: `.noSuchUser`, also for one that is hidden or deleted.
    package func person(publicNumber: Int64) async throws(ChatError) -> Person {
        if let known = directory.person(publicNumber: publicNumber) { return try shown(known) }
        return try shown(
            await remembered { try await storage.user(publicNumber: publicNumber) })
    }

    /// The same if it is in memory and may be shown, at once.
    package func knownPerson(publicNumber: Int64) -> Person? {
        directory.person(publicNumber: publicNumber).flatMap { try? shown($0) }
    }

    private func shown(_ person: Person) throws(ChatError) -> Person {
        guard !person.isHidden, !person.isDeleted else { throw .noSuchUser }
        return person
    }

    private func remembered(
        _ read: () async throws -> UserRecord?
    ) async throws(ChatError) -> Person {
        let generation = directory.generation
        guard let record = try await reading(read) else { throw .noSuchUser }
        let person = Person(record)
        directory.remember(person, loginKey: record.loginKey, readAt: generation)
        return person
    }
}
