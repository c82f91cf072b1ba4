// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage
import Synchronization

/// Who is here: an account is online while at least one of its devices is connected.
///
/// Changes are gathered for a while and told once, to those connections that have the account among their contacts.
/// What changed back meanwhile is not told at all.
package final class Presence: Sendable {
    /// `[PRESENCE]`.
    package struct Options: Sendable {
        package var isEnabled = true
        /// How long changes are gathered.
        package var merge = Duration.seconds(1)
        /// How often an account's coming and going is told per minute; the last state is told in the next one.
        package var changesPerMinute = 20

        package init() {}
    }

    private struct Known {
        var isOnline = false
        var minute = 0
        var changes = 0
    }

    private struct State {
        /// Accounts that came, went or changed, since they were last looked at.
        var changed: Set<UserID> = []
        var changedProfiles: Set<UserID> = []
        /// What was told last of accounts that are online, or were in this minute.
        var told: [UserID: Known] = [:]
        var watchers: [UserID: [ObjectIdentifier: any LiveConnection]] = [:]
        var watched: [ObjectIdentifier: Set<UserID>] = [:]
    }

    private let options: Options
    private let state = Mutex(State())
    private let wakeUps: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    /// Whether who comes and goes is told at all.
    var isEnabled: Bool { options.isEnabled }

    /// Who is connected to other servers; `nil` where there are none.
    let remote: RemotePresence?

    init(options: Options, sharesStore: Bool) {
        self.options = options
        remote = sharesStore && options.isEnabled ? RemotePresence() : nil
        (ends, end) = AsyncStream.makeStream(of: Void.self)
        (wakeUps, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// An account may have come or gone.
    func changed(_ user: UserID) {
        guard options.isEnabled else { return }
        remote?.changedHere(user)
        state.withLock { _ = $0.changed.insert(user) }
        continuation.yield()
    }

    /// Accounts may have come to other servers or gone from them.
    func changedElsewhere(_ users: Set<UserID>) {
        guard options.isEnabled, !users.isEmpty else { return }
        state.withLock { $0.changed.formUnion(users) }
        continuation.yield()
    }

    /// An account's public data changed.
    func profileChanged(_ user: UserID) {
        state.withLock { _ = $0.changedProfiles.insert(user) }
        continuation.yield()
    }

    /// Whom a connection wants to be told of.
    package func watch(_ connection: any LiveConnection, _ people: some Sequence<UserID>) {
        let key = ObjectIdentifier(connection)
        state.withLock { state in
            for person in people {
                state.watchers[person, default: [:]][key] = connection
                state.watched[key, default: []].insert(person)
            }
        }
    }

    /// Whom a connection no longer wants to be told of.
    package func unwatch(_ connection: any LiveConnection, _ person: UserID) {
        state.withLock { Self.unwatch(ObjectIdentifier(connection), person, in: &$0) }
    }

    func unwatch(_ key: ObjectIdentifier) {
        state.withLock { state in
            for person in state.watched[key] ?? [] { Self.unwatch(key, person, in: &state) }
        }
    }

    private static func unwatch(_ key: ObjectIdentifier, _ person: UserID, in state: inout State) {
        state.watchers[person]?[key] = nil
        if state.watchers[person]?.isEmpty == true { state.watchers[person] = nil }
        state.watched[key]?.remove(person)
        if state.watched[key]?.isEmpty == true { state.watched[key] = nil }
    }

    func finish() {
        end.finish()
        continuation.finish()
    }

    /// Tells of changes until `finish`.
    ///
    /// - Parameters:
    ///   - hub: Says who is connected here.
    ///   - node: As which server the others know this one.
    ///   - storage: Has the time, and who is connected to other servers.
    ///   - person: Looks up whom the change is about.
    func run(
        hub: Hub, node: NodeIdentity, storage: Storage,
        person: @escaping @Sendable (UserID) async throws(ChatError) -> Person
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await () in self.wakeUps {
                    // A stop of the server does not wait for the gathering.
                    guard (try? await Task.sleep(for: self.options.merge)) != nil else { return }
                    await self.tell(hub: hub, at: storage.currentTime(), person: person)
                }
            }
            if let remote { group.addTask { await remote.run(hub: hub, node: node, storage: storage) } }
            for await () in ends {}
            group.cancelAll()
        }
    }

    private func tell(
        hub: Hub, at time: Timestamp, person: (UserID) async throws(ChatError) -> Person
    ) async {
        let minute = Int(time.seconds / 60)
        let (changed, profiles) = state.withLock { state in
            defer { (state.changed, state.changedProfiles) = ([], []) }
            return (state.changed, state.changedProfiles)
        }
        // Asked without the lock, because the hub has one of its own.
        let online = changed.union(profiles).filter { hub.isOnline($0) }
        let due = state.withLock { state -> [(UserID, isProfile: Bool)] in
            var due: [(UserID, isProfile: Bool)] = []
            for user in changed {
                let isOnline = online.contains(user)
                var known = state.told[user] ?? Known()
                guard known.isOnline != isOnline else { continue }
                if known.minute != minute {
                    known.minute = minute
                    known.changes = 0
                }
                guard known.changes < options.changesPerMinute else {
                    state.changed.insert(user)
                    continue
                }
                known.changes += 1
                known.isOnline = isOnline
                state.told[user] = known
                if state.watchers[user] != nil { due.append((user, profiles.contains(user))) }
            }
            state.told = state.told.filter { $0.value.isOnline || $0.value.minute == minute }
            let told = Set(due.map(\.0))
            for user in profiles where state.watchers[user] != nil && !told.contains(user) {
                due.append((user, true))
            }
            if !state.changed.isEmpty { continuation.yield() }
            return due
        }
        var changes: [ObjectIdentifier: (any LiveConnection, [WatchedChange])] = [:]
        for (user, isProfile) in due {
            guard let known = try? await person(user), !known.isHidden else { continue }
            let change = WatchedChange(person: known, isOnline: online.contains(user), isProfile: isProfile)
            for (key, watcher) in state.withLock({ $0.watchers[user] ?? [:] }) {
                changes[key, default: (watcher, [])].1.append(change)
            }
        }
        for (watcher, list) in changes.values { watcher.watchedChanged(list) }
    }
}

extension Hub {
    /// Whether an account is shown as online: it has a device connected, here or elsewhere, and presence is on.
    func isOnline(_ user: UserID) -> Bool {
        presence.isEnabled && (isConnected(user) || presence.remote?.isOnline(user) == true)
    }
}

extension Chat {
    /// Whether an account is shown as online: it has a device connected, and presence is on.
    package func isOnline(_ user: UserID) -> Bool { hub.isOnline(user) }
}
