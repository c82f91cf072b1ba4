// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization

/// Who is connected to other servers of the same store, and telling these who is connected here.
///
/// Once a second what changed here is written and what changed elsewhere is read: the work grows with the changes, not
/// with the people. A server that falls silent has no accounts connected.
final class RemotePresence: Sendable {
    private struct State {
        /// Accounts that came to this server or went from it since that was last written.
        var unpublished: Set<UserID> = []
        /// Who is online here as far as the others can know, and under which number they know us.
        var published: Set<UserID> = []
        var publishedAs = NodeID.unknown
        var versions: [NodeID: Int64] = [:]
        var users: [NodeID: Set<UserID>] = [:]
        /// On how many other servers an account is connected.
        var counts: [UserID: Int] = [:]
    }

    private static let pause = Duration.seconds(1)

    private let state = Mutex(State())

    /// Whether an account is connected to another server.
    func isOnline(_ user: UserID) -> Bool {
        state.withLock { $0.counts[user] != nil }
    }

    /// An account may have come to this server or gone from it.
    func changedHere(_ user: UserID) {
        state.withLock { _ = $0.unpublished.insert(user) }
    }

    /// Writes and reads each second, until the task is cancelled.
    func run(hub: Hub, node: NodeIdentity, storage: Storage) async {
        while (try? await Task.sleep(for: Self.pause)) != nil {
            await publish(hub: hub, as: node.id, storage: storage)
            hub.presence.changedElsewhere(await read(except: node.id, storage: storage))
        }
    }

    private func publish(hub: Hub, as node: NodeID, storage: Storage) async {
        guard node != .unknown else { return }
        let (came, went, looked) = state.withLock { state in
            if state.publishedAs != node {
                // The list has us under a new number, with no accounts connected.
                state.unpublished.formUnion(state.published)
                state.published = []
                state.publishedAs = node
            }
            let looked = state.unpublished
            state.unpublished = []
            let online = looked.filter { hub.isConnected($0) }
            return (
                online.subtracting(state.published), looked.subtracting(online).intersection(state.published), looked
            )
        }
        guard !came.isEmpty || !went.isEmpty else { return }
        var isNoted = false
        do {
            isNoted = try await storage.notePresence(on: node, came: Array(came), went: Array(went))
        } catch {
            // Tried again with the next look; the heartbeat tells the operator that the store is out of reach.
        }
        state.withLock { state in
            if isNoted {
                state.published.formUnion(came)
                state.published.subtract(went)
            } else {
                state.unpublished.formUnion(looked)
            }
        }
    }

    /// The accounts that came to other servers or went from them.
    private func read(except own: NodeID, storage: Storage) async -> Set<UserID> {
        let known = state.withLock { $0.versions }
        guard
            let nodes = try? await storage.presence(
                after: known, except: own, silentFor: ServerNode.silenceLimit)
        else { return [] }
        return state.withLock { state in
            var changed: Set<UserID> = []
            for gone in Set(state.versions.keys).subtracting(nodes.map(\.node)) {
                state.versions[gone] = nil
                for user in state.users.removeValue(forKey: gone) ?? [] {
                    Self.count(user, -1, in: &state)
                    changed.insert(user)
                }
            }
            for presence in nodes {
                state.versions[presence.node] = presence.version
                for user in presence.came where state.users[presence.node, default: []].insert(user).inserted {
                    Self.count(user, 1, in: &state)
                    changed.insert(user)
                }
                for user in presence.went where state.users[presence.node]?.remove(user) != nil {
                    Self.count(user, -1, in: &state)
                    changed.insert(user)
                }
            }
            return changed
        }
    }

    private static func count(_ user: UserID, _ change: Int, in state: inout State) {
        let count = (state.counts[user] ?? 0) + change
        state.counts[user] = count > 0 ? count : nil
    }
}
