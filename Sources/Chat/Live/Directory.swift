// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// What `Chat` remembers of accounts, so that showing a message costs no read.
final class Directory: Sendable {
    private struct State {
        var generation = 0
        var people: [UserID: Person] = [:]
        var byLogin: [String: UserID] = [:]
        var byNumber: [Int64: UserID] = [:]
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    /// To be taken before a read whose result is to be remembered.
    var generation: Int { state.withLock { $0.generation } }

    func person(_ id: UserID) -> Person? {
        state.withLock { $0.people[id] }
    }

    func person(loginKey: String) -> Person? {
        state.withLock { state in state.byLogin[loginKey].flatMap { state.people[$0] } }
    }

    func person(fastChatNumber: Int64) -> Person? {
        state.withLock { state in state.byNumber[fastChatNumber].flatMap { state.people[$0] } }
    }

    func remember(_ person: Person, loginKey: String, readAt generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.people.count >= capacity {
                state.people.removeAll()
                state.byLogin.removeAll()
                state.byNumber.removeAll()
            }
            state.people[person.id] = person
            guard !person.isDeleted else { return }
            state.byLogin[loginKey] = person.id
            state.byNumber[person.fastChatNumber] = person.id
        }
    }

    /// Forgets the accounts that these events changed.
    func invalidate(by events: [LogEvent]) {
        for event in events where event.kind == .user {
            guard let user = event.subject else { continue }
            state.withLock { state in
                state.generation += 1
                guard let person = state.people.removeValue(forKey: UserID(user)) else { return }
                state.byNumber[person.fastChatNumber] = nil
                state.byLogin[Login.key(of: person.login)] = nil
            }
        }
    }
}

extension Chat {
    /// What everybody may know of an account; reads only what is not in memory.
    package func person(_ id: UserID) async throws(ChatError) -> Person {
        if let known = directory.person(id) { return known }
        return try await remembered { () async throws(StorageError) in try await storage.user(id) }
    }

    /// The account with a login.
    ///
    /// - Throws: `.noSuchUser`, also for one that is hidden or deleted.
    package func person(login: String) async throws(ChatError) -> Person {
        guard login.utf8.count <= ChatLimits.loginBytes, !login.utf8.contains(0) else { throw .noSuchUser }
        let key = Login.key(of: login)
        if let known = directory.person(loginKey: key) { return try shown(known) }
        return try shown(
            await remembered { () async throws(StorageError) in try await storage.user(loginKey: key) })
    }

    /// The account that FastChat's clients know by a number.
    ///
    /// - Throws: `.noSuchUser`, also for one that is hidden or deleted.
    package func person(fastChatNumber: Int64) async throws(ChatError) -> Person {
        if let known = directory.person(fastChatNumber: fastChatNumber) { return try shown(known) }
        return try shown(
            await remembered { () async throws(StorageError) in
                try await storage.user(fastChatNumber: fastChatNumber)
            })
    }

    private func shown(_ person: Person) throws(ChatError) -> Person {
        guard !person.isHidden, !person.isDeleted else { throw .noSuchUser }
        return person
    }

    private func remembered(
        _ read: () async throws(StorageError) -> UserRecord?
    ) async throws(ChatError) -> Person {
        let generation = directory.generation
        guard let record = try await reading(read) else { throw .noSuchUser }
        let person = Person(record)
        directory.remember(person, loginKey: record.loginKey, readAt: generation)
        return person
    }
}
