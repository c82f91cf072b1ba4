// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Storage
import Synchronization

/// Keeps this process in the list of the servers that share the store.
package final class ClusterMembership: Sendable {
    private struct State {
        /// What the server serves; `nil` until it does.
        var endpoints: [String: String]?
        var isDraining = false
        var announcement: NodeAnnouncement?
        var hasLeft = false
        var isFailing = false
        var onDrainingChanged: @Sendable () async -> Void = {}
    }

    private let storage: Storage
    private let identity: NodeIdentity
    private let sharesStore: Bool
    private let logger: Logger
    private let name: String
    private let mode: ServiceMode
    private let pause: Duration
    private let clients: @Sendable () -> Int
    private let endAbandonedSessions: @Sendable () async -> Void
    private let announce: @Sendable (String?) -> Void
    private let state = Mutex(State())

    /// A membership that is not yet taken up.
    ///
    /// - Parameters:
    ///   - storage: Has the list.
    ///   - identity: Gets the server's number when it is in the list.
    ///   - sharesStore: Whether other servers may use the store, too.
    ///   - name: The server's, for people.
    ///   - mode: What the server does for people.
    ///   - pause: Between two heartbeats.
    ///   - logger: Gets what an operator should know.
    ///   - clients: How many are connected.
    ///   - endAbandonedSessions: Ends what servers left behind that are no more.
    ///   - announce: Tells people what the operator has announced; `nil` when it was taken back.
    package init(
        storage: Storage, identity: NodeIdentity, sharesStore: Bool, name: String, mode: ServiceMode = .normal,
        pause: Duration = .milliseconds(2500), logger: Logger, clients: @escaping @Sendable () -> Int,
        endAbandonedSessions: @escaping @Sendable () async -> Void,
        announce: @escaping @Sendable (String?) -> Void = { _ in }
    ) {
        self.storage = storage
        self.identity = identity
        self.sharesStore = sharesStore
        self.logger = logger
        self.endAbandonedSessions = endAbandonedSessions
        self.announce = announce
        self.name = name
        self.mode = mode
        self.pause = pause
        self.clients = clients
    }

    /// Whether the operator wants this server to get no new clients.
    package var isDraining: Bool { state.withLock { $0.isDraining } }

    /// What is done as soon as the server knows that it gets new clients no more, or again.
    package func onDrainingChanged(_ action: @escaping @Sendable () async -> Void) {
        state.withLock { $0.onDrainingChanged = action }
    }

    /// Enters the server into the list; when the store is out of reach, one of the next heartbeats does it.
    ///
    /// - Parameter endpoints: Where clients reach it, by the name of the protocol: URLs.
    package func join(_ endpoints: [String: String]) async {
        state.withLock { $0.endpoints = endpoints }
        do throws(StorageError) {
            // What an earlier life left behind when no other server can use the store.
            if !sharesStore { _ = try await storage.removeNodes(silentFor: .zero) }
        } catch {
            failed(error)
        }
        await beat()
        // What the last life left behind; a failure is in the log, and the next tidying tries again.
        if identity.id != .unknown { await endAbandonedSessions() }
    }

    /// Says now and then that the server lives, until the task is cancelled.
    package func run() async {
        while (try? await Task.sleep(for: pause)) != nil { await beat() }
    }

    /// Lets the other servers send no more clients here, because this one is about to stop.
    package func drain() async {
        let id = identity.id
        guard id != .unknown else { return }
        state.withLock { $0.isDraining = true }
        do throws(StorageError) {
            _ = try await storage.setDraining(id, true)
        } catch {
            failed(error)
        }
    }

    /// Takes the server off the list, for good.
    package func leave() async {
        state.withLock { $0.hasLeft = true }
        let id = identity.id
        guard id != .unknown else { return }
        do throws(StorageError) {
            _ = try await storage.removeNode(id)
        } catch {
            failed(error)
        }
    }

    /// One heartbeat; enters the server anew when it is not in the list any more.
    package func beat() async {
        guard let endpoints = state.withLock({ $0.hasLeft ? nil : $0.endpoints }) else { return }
        do throws(StorageError) {
            if identity.id != .unknown,
                let heartbeat = try await storage.heartbeat(identity.id, clients: clients())
            {
                await succeeded(heartbeat)
                return
            }
            let isDraining = isDraining
            let id = try await storage.registerNode(
                NewNode(
                    name: name, address: endpoints["http"] ?? "", protocols: ServerNode.text(of: endpoints),
                    mode: mode.rawValue))
            identity.id = id
            // What the operator wanted outlives the row.
            if isDraining { _ = try await storage.setDraining(id, true) }
            _ = try await storage.heartbeat(id, clients: clients())
            await succeeded(NodeHeartbeat(isDraining: isDraining))
            logger.info(
                "This server is in the list of the cluster", metadata: ["node": "\(name)", "node.id": "\(id.rawValue)"])
        } catch {
            failed(error)
        }
    }

    private func succeeded(_ heartbeat: NodeHeartbeat) async {
        let isDraining = heartbeat.isDraining
        let (hasChanged, isAnnounced, wasFailing) = state.withLock { state in
            defer {
                state.isDraining = isDraining
                state.announcement = heartbeat.announcement
                state.isFailing = false
            }
            return (state.isDraining != isDraining, state.announcement != heartbeat.announcement, state.isFailing)
        }
        if wasFailing { logger.info("Heartbeats reach the store again") }
        if isAnnounced {
            let message = heartbeat.announcement?.message ?? ""
            announce(message.isEmpty ? nil : message)
            logger.info(
                heartbeat.announcement == nil ? "The announced drain is taken back" : "A drain is announced",
                metadata: heartbeat.announcement.map { ["node.drain_at": "\($0.time)"] })
        }
        if hasChanged {
            logger.info(isDraining ? "Draining: no new clients are sent here" : "New clients are sent here again")
            await state.withLock { $0.onDrainingChanged }()
        }
    }

    private func failed(_ error: StorageError) {
        let isFirst = state.withLock { state in
            defer { state.isFailing = true }
            return !state.isFailing
        }
        guard isFirst else { return }
        logger.warning(
            "A heartbeat did not reach the store: no new clients are sent here until one does",
            metadata: ["error": "\(String(reflecting: error))"])
    }
}

extension ClusterMembership {
    /// The membership of the server whose domain `chat` is.
    package convenience init(
        of chat: Chat, name: String, pause: Duration = .milliseconds(2500), clients: @escaping @Sendable () -> Int
    ) {
        let policy = chat.policy
        self.init(
            storage: chat.storage, identity: policy.node, sharesStore: policy.sharesStore, name: name,
            mode: chat.mode, pause: pause, logger: chat.logger, clients: clients,
            endAbandonedSessions: { try? await chat.endAbandonedSessions() },
            announce: { chat.hub.announce($0) })
    }
}
