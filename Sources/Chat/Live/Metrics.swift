// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
package import Storage
import Synchronization

/// What the server has done since it started, counted as it does it.
///
/// The sums are for `top` and `/metrics` alike; what only `/metrics` shows goes to a `MetricsFactory`. Counting costs
/// locks per batch and read, not per message, and takes the same memory for ever.
package final class Metrics: Sendable {
    /// The sums so far.
    package struct Counts: Sendable, Equatable {
        /// Transactions of the log.
        package var batches: UInt64 = 0
        /// Entries of the log.
        package var events: UInt64 = 0
        /// Messages among the entries.
        package var messages: UInt64 = 0
        /// Entries of the last transaction.
        package var lastBatch = 0
        /// How often a message was handed to a connection.
        package var deliveries: UInt64 = 0
        /// From the commit of a message until it was handed to its last connection.
        package var latency = LatencyHistogram()
        /// The sum of those times.
        package var latencySum = Duration.zero
    }

    private let sums = Mutex(Counts())
    private let started: ContinuousClock.Instant
    private let batchEntries: Recorder
    private let fanOut: Recorder
    private let commits: Timer
    private let reads: Timer
    private let databaseErrors: Counter
    private let throttled: WordCounters
    private let logins: WordCounters
    private let registrations: WordCounters
    private let sessions: WordCounters
    private let factory: any MetricsFactory
    private let written: WordCounters
    private let handed: WordCounters
    /// Hidden accounts that were here: a handful.
    private let leftOut = Mutex<Set<UserID>>([])

    init(started: ContinuousClock.Instant, factory: any MetricsFactory = NOOPMetricsHandler.instance) {
        self.started = started
        batchEntries = Recorder(label: "parley_batch_entries", dimensions: [], aggregate: true, factory: factory)
        fanOut = Recorder(label: "parley_fanout_connections", dimensions: [], aggregate: true, factory: factory)
        commits = Timer(label: "parley_commit_duration_seconds", dimensions: [], factory: factory)
        reads = Timer(label: "parley_database_read_duration_seconds", dimensions: [], factory: factory)
        databaseErrors = Counter(label: "parley_database_errors_total", dimensions: [], factory: factory)
        throttled = WordCounters("parley_throttled_total", ["protocol", "bucket"], factory)
        logins = WordCounters("parley_logins_total", ["protocol", "outcome"], factory)
        registrations = WordCounters("parley_registrations_total", ["protocol"], factory)
        sessions = WordCounters("parley_sessions_connected_total", ["protocol", "outcome"], factory)
        self.factory = factory
        written = WordCounters("parley_messages_total", ["protocol"], factory)
        handed = WordCounters("parley_deliveries_total", ["protocol"], factory)
    }

    /// What counts the transactions of a store by their kind; its timers are made here, so that counting allocates
    /// nothing.
    package static func queries(_ factory: any MetricsFactory) -> QueryObserver {
        let timers = QueryKind.allCases.map { kind in
            let label = "parley_database_query_duration_seconds"
            return (kind, Timer(label: label, dimensions: [("query", kind.rawValue)], factory: factory))
        }
        let byKind = Dictionary(uniqueKeysWithValues: timers)
        return { kind, duration in byKind[kind]?.recordNanoseconds(duration.nanoseconds) }
    }

    /// The label of what came by no protocol, such as an operator's message.
    private static let noProtocol = "none"

    /// The counts of the requests that come over a protocol; of its messages and refusals there are samples from now
    /// on.
    package func requests(over protocol: String) -> RequestCounts {
        written.increment([`protocol`], by: 0)
        handed.increment([`protocol`], by: 0)
        for bucket in Bucket.all { throttled.increment([`protocol`, bucket.name], by: 0) }
        return RequestCounts(of: `protocol`, factory)
    }

    /// The sums so far.
    package var counts: Counts { sums.withLock { $0 } }

    func uptime(at now: ContinuousClock.Instant) -> Duration { started.duration(to: now) }

    /// From now on the account's messages and connections are not counted: the health check's bot is no person.
    func leaveOut(_ user: UserID) { leftOut.withLock { _ = $0.insert(user) } }

    func committed(_ events: [LogEvent], in duration: Duration) {
        let leftOut = leftOut.withLock { $0 }
        var byProtocol: [String: Int] = [:]
        for event in events where event.kind == .message && !(event.sender.map(leftOut.contains) ?? false) {
            byProtocol[event.protocol ?? Self.noProtocol, default: 0] += 1
        }
        let messages = byProtocol.values.reduce(0, +)
        sums.withLock { sums in
            sums.batches &+= 1
            sums.events &+= UInt64(events.count)
            sums.messages &+= UInt64(messages)
            sums.lastBatch = events.count
        }
        for (name, count) in byProtocol { written.increment([name], by: count) }
        batchEntries.record(events.count)
        commits.recordNanoseconds(duration.nanoseconds)
    }

    func handedOver(
        messages: Int, to audience: [(protocol: String, connections: Int)], after duration: Duration?
    ) {
        let connections = audience.reduce(0) { $0 + $1.connections }
        for part in audience { handed.increment([part.protocol], by: messages * part.connections) }
        sums.withLock { sums in
            sums.deliveries &+= UInt64(messages * connections)
            if let duration {
                sums.latency.record(duration, weight: messages)
                sums.latencySum += duration * messages
            }
        }
        fanOut.record(connections)
    }

    /// A read of the store ended.
    func read(in duration: Duration) { reads.recordNanoseconds(duration.nanoseconds) }

    /// The store failed a read or write.
    func databaseFailed() { databaseErrors.increment() }

    func refused(by bucket: Bucket, over protocol: String?) {
        throttled.increment([`protocol` ?? Self.noProtocol, bucket.name])
    }

    /// A password or challenge was checked, or refused to be.
    func login(_ outcome: LoginOutcome, over protocol: String) {
        logins.increment([`protocol`, outcome.rawValue])
    }

    /// A client made an account.
    func registered(over protocol: String) {
        registrations.increment([`protocol`])
    }

    /// A connection was logged in, with an earlier session or a new one.
    func connected(over protocol: String, as principal: Principal) {
        guard !leftOut.withLock({ $0.contains(principal.user) }) else { return }
        sessions.increment([`protocol`, principal.isResumed ? "resumed" : "new"])
    }
}

extension Metrics {
    /// What became of a check of a password or challenge.
    enum LoginOutcome: String {
        case success
        case wrongPassword = "wrong_password"
        case unknownLogin = "unknown_login"
        case throttled
        case busy
    }

    /// What refuses a request that comes too often.
    enum Bucket {
        case account(LimitedAction)
        case address(LimitedAction)
        /// Too many writes wait.
        case writeQueue

        static let all = LimitedAction.allCases.flatMap { [Bucket.account($0), .address($0)] } + [.writeQueue]

        var name: String {
            switch self {
            case .account(let action): "account_\(Self.name(of: action))"
            case .address(let action): "address_\(Self.name(of: action))"
            case .writeQueue: "write_queue"
            }
        }

        private static func name(of action: LimitedAction) -> String {
            switch action {
            case .write: "write"
            case .read: "read"
            case .registration: "registration"
            case .login: "login"
            case .profileChange: "profile_change"
            }
        }
    }
}

/// The counters of one metric, each made when its labels are first counted.
///
/// The words are those of our code, so the counters are few.
final class WordCounters: Sendable {
    private let name: String
    private let labels: [String]
    private let factory: any MetricsFactory
    private let counters = Mutex<[[String]: Counter]>([:])

    init(_ name: String, _ labels: [String], _ factory: any MetricsFactory) {
        self.name = name
        self.labels = labels
        self.factory = factory
    }

    func increment(_ words: [String], by amount: Int = 1) {
        let counter = counters.withLock { counters in
            if let known = counters[words] { return known }
            let new = Counter(label: name, dimensions: Array(zip(labels, words)), factory: factory)
            counters[words] = new
            return new
        }
        counter.increment(by: amount)
    }
}

extension Duration {
    /// Whole nanoseconds.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
    }
}

extension Chat {
    /// What this process has done since it started.
    package var metrics: Metrics { delivery.metrics }

    /// How long ago that was.
    package var uptime: Duration { delivery.metrics.uptime(at: now()) }

    /// Committed batches that wait to be delivered.
    package var waitingBatches: Int { delivery.waitingBatches }
}
