// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
package import Credentials
package import Logging
package import Storage
import Synchronization

/// The domain: accounts, flows, messages, and who may do what.
///
/// Protocol-neutral; every right is checked here, once.
package final class Chat: Sendable {
    package let storage: Storage
    package let hub: Hub
    package let hasher: PasswordHasher
    package let logger: Logger
    /// Who is online.
    package let presence: Presence
    /// How far devices have read that cannot say so themselves.
    package let cursors: DeviceCursors
    /// What the server does for people.
    package let mode: ServiceMode
    private let currentPolicy: Mutex<ChatPolicy>
    let writer: BatchWriter
    let cache: AccessCache
    let directory: Directory
    let delivery: Delivery
    let throttle = Mutex(LoginThrottle<ContinuousClock.Instant>())
    let limiter: RateLimiter
    let storedBytes: StoredBytes
    private let start: ContinuousClock.Instant
    private let instant: @Sendable () -> ContinuousClock.Instant
    let revocations: Revocations
    let heldKeys: HeldKeys
    /// Where pages of the log wait to be read and encoded.
    package let pages = PageGate()
    /// Where work waits that is too long for an event loop.
    package let longWork = PageGate(places: 2)

    /// Makes the domain over a store; `run` does its work.
    ///
    /// `instant` is the monotonic clock for the slow-down of failed logins; `factory` counts what only `/metrics`
    /// shows.
    package init(
        storage: Storage, hasher: PasswordHasher, policy: ChatPolicy, writerLimits: BatchWriter.Limits = .init(),
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        metrics factory: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger
    ) {
        let cache = AccessCache()
        let directory = Directory()
        let presence = Presence(options: policy.presence, sharesStore: policy.sharesStore)
        let metrics = Metrics(started: instant(), factory: factory)
        let revocations = Revocations()
        let limiter = RateLimiter(policy.rates)
        heldKeys = HeldKeys(sealer: policy.sealer, hasher: hasher, logger: logger, longWork: longWork)
        self.storage = storage
        self.hasher = hasher
        mode = policy.mode
        currentPolicy = Mutex(policy)
        self.instant = instant
        self.logger = logger
        self.cache = cache
        self.directory = directory
        self.presence = presence
        self.revocations = revocations
        self.limiter = limiter
        storedBytes = StoredBytes(storage: storage, logger: logger)
        start = instant()
        let cursors = DeviceCursors(storage: storage, node: policy.node, logger: logger)
        self.cursors = cursors
        let hub = Hub(
            presence: presence, onJoin: { cursors.noteSeen(CollectionOfOne($0)) },
            onLeave: { cursors.noteLeft($0, of: $1) },
            onConnect: { metrics.connected(over: $0, as: $1) })
        self.hub = hub
        let delivery = Delivery(
            followsOthers: policy.sharesStore, hub: hub, presence: presence, storage: storage, metrics: metrics,
            instant: instant)
        self.delivery = delivery
        writer = BatchWriter(storage: storage, limits: writerLimits) { batch in
            // Caches first: a caller that is answered after this must not find an old right.
            cache.invalidate(by: batch.events)
            directory.invalidate(by: batch.events)
            revocations.committed(batch.events, in: hub)
            limiter.note(batch.events)
            delivery.enqueue(batch.events, committedIn: batch.duration)
        }
    }

    /// What the settings say.
    package var policy: ChatPolicy { currentPolicy.withLock { $0 } }

    /// Takes over what may change while the server runs: registration, life of tokens, backlog of new devices, rates
    /// and how long messages are kept.
    package func update(_ new: ChatPolicy) {
        currentPolicy.withLock { policy in
            policy.registration = new.registration
            policy.tokenLifetimeSeconds = new.tokenLifetimeSeconds
            policy.backlog = new.backlog
            policy.rates = new.rates
            policy.retention = new.retention
        }
        limiter.update(new.rates)
    }

    /// Commits writes, brings them to the live connections and looks after revoked sessions, until `close` or until the
    /// store is in doubt.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.writer.run()
                if self.storageDoubt != nil { self.close() }
            }
            group.addTask { await self.delivery.run(from: self) }
            group.addTask {
                await self.presence.run(hub: self.hub, node: self.policy.node, storage: self.storage) {
                    user async throws(ChatError) in try await self.person(user)
                }
            }
            group.addTask { await self.cursors.run() }
            group.addTask { await self.storedBytes.run() }
            group.addTask {
                await self.loadLimits()
                for await user in self.limiter.changedUsers { await self.reloadLimits(of: user) }
            }
            group.addTask { await self.revocations.run(for: self) }
            if policy.sharesStore {
                group.addTask { await self.delivery.listen() }
            }
        }
        await storedBytes.save()
    }

    /// Commits what waits, then lets `run` return.
    ///
    /// Writes after this are refused.
    package func close() {
        writer.close()
        delivery.finish()
        presence.finish()
        cursors.finish()
        storedBytes.finish()
        revocations.finish()
        limiter.finish()
    }

    /// Why nothing may be acknowledged any more, if that is so: the process has to end.
    package var storageDoubt: StorageError? { writer.doubt }

    /// Refuses every further write and lets `run` return, since the store is in doubt.
    package func giveUp(_ doubt: StorageError) {
        writer.giveUp(doubt)
    }

    /// Writes that wait for their batch.
    package var waitingWrites: Int { writer.waitingWrites }

    func now() -> ContinuousClock.Instant { instant() }

    /// Nanoseconds since the start, for the buckets of rates.
    func nanoseconds() -> Int64 {
        let (seconds, attoseconds) = start.duration(to: instant()).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    // MARK: Writing and reading

    /// A random identifier for something new.
    package func newIdentifier() -> Identifier {
        var random = SecureRandom()
        return .random(using: &random)
    }

    /// An identifier for an event: its time in milliseconds, then 80 random bits.
    ///
    /// Neighbours in the log are neighbours in the index of identifiers, so a batch touches few of its pages. It tells
    /// no more than the event itself, which has a time.
    func newEventIdentifier() -> Identifier {
        var random = SecureRandom()
        return .random(at: storage.currentTime(), using: &random)
    }

    /// Puts a change into the next batch.
    func submit<W: LogWrite>(
        _ write: W, by author: UserID?, over protocol: String? = nil, uuid: Identifier? = nil, audit: AuditNote? = nil
    ) throws(ChatError) -> PendingWrite<W.Result> {
        try checkIsTaken(write, over: `protocol`)
        let origin = WriteOrigin(uuid: uuid ?? newEventIdentifier(), author: author, protocol: `protocol`)
        guard let pending = writer.submit(write, by: origin, audit: audit) else {
            metrics.refused(by: .writeQueue, over: `protocol`)
            throw .busy
        }
        return pending
    }

    /// Puts a message into the next batch; `completion` is called on `executor` after the commit.
    func submit(
        _ message: Write.SendMessage, by principal: Principal, uuid: Identifier, on executor: any TaskExecutor,
        completion: @escaping @Sendable (MessageOutcome) -> Void
    ) throws(ChatError) {
        try checkTakesWrites(over: principal.protocol)
        let origin = WriteOrigin(uuid: uuid, author: principal.user, protocol: principal.protocol)
        let isWaiting = writer.submit(message, by: origin, on: executor) { outcome in
            completion(Result { () throws(ChatError) in try self.receipt(from: outcome) })
        }
        guard isWaiting else {
            metrics.refused(by: .writeQueue, over: principal.protocol)
            throw .busy
        }
    }

    /// Makes a change and waits until it is durable.
    ///
    /// Without an `author` it is the operator's, who may do everything; `audit` is what is recorded of it.
    package func write<W: LogWrite>(
        _ write: W, by author: UserID?, over protocol: String? = nil, audit: AuditNote? = nil
    ) async throws(ChatError) -> Receipt<W.Result> {
        try await receipt(of: try submit(write, by: author, over: `protocol`, audit: audit))
    }

    /// The same for a principal, whose protocol is noted with it.
    func write<W: LogWrite>(_ write: W, by principal: Principal) async throws(ChatError) -> Receipt<W.Result> {
        try await self.write(write, by: principal.user, over: principal.protocol)
    }

    func receipt<Result>(of pending: PendingWrite<Result>) async throws(ChatError) -> Receipt<Result> {
        try receipt(from: await pending.outcome)
    }

    private func receipt<Result>(from outcome: WriteOutcome<Result>) throws(ChatError) -> Receipt<Result> {
        switch outcome {
        case .done(let receipt): return receipt
        case .refused(let refusal): throw ChatError(refusal)
        case .failed(let error): throw converted(error)
        }
    }

    /// Reads from the store; failures go to the log, not to the peer.
    func reading<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws(ChatError) -> Value {
        let begin = now()
        defer { metrics.read(in: begin.duration(to: now())) }
        do { return try await body() } catch { throw converted(StorageError(thrown: error)) }
    }

    /// Whether sessions were revoked could not be found out, yet.
    func revocationCheckFailed(_ error: StorageError) {
        logger.error(
            "Whether sessions were revoked could not be checked; the check is repeated",
            metadata: ["error": "\(String(reflecting: error))"])
    }

    private func converted(_ error: StorageError) -> ChatError {
        // The answer is not waited for any more: the connection is gone. What may have been stored stays in doubt.
        guard !Task.isCancelled else {
            return error.code == .commitUnknown || error.code == .inDoubt ? .outcomeUnknown : .busy
        }
        metrics.databaseFailed()
        logger.error("The store failed", metadata: ["error": "\(String(reflecting: error))"])
        switch error.code {
        case .unavailable, .full, .unusable, .needsMigration, .newerThanProgram: return .storageUnavailable
        case .commitUnknown, .inDoubt: return .outcomeUnknown
        case .notFound, .conflict, .readFailed, .writeFailed: return .internalFailure
        }
    }
}

extension ChatError {
    init(_ refusal: WriteRefusal) {
        switch refusal {
        case .loginTaken: self = .loginTaken
        case .adminExists: self = .notAllowed("An administrator of that name is there already.")
        case .noSuchAdmin, .noSuchUser: self = .noSuchUser
        case .tokenNameTaken: self = .notAllowed("A token of that name is there already.")
        case .noSuchFlow, .notMember: self = .noSuchFlow
        case .noSuchMessage: self = .noSuchMessage
        case .noSuchSession: self = .tokenUnknown
        case .mayNotWrite: self = .notAllowed("Only the owner may do that here.")
        case .notAuthor: self = .notAllowed("Only the author may change a message.")
        case .accountDeleted: self = .accountDeleted
        case .membershipFixed: self = .notAllowed("The members of this flow cannot be changed.")
        case .messageDeleted: self = .notAllowed("A deleted message cannot be changed.")
        case .passwordChanged: self = .wrongPassword
        case .inviteInvalid: self = .inviteInvalid
        }
    }
}
