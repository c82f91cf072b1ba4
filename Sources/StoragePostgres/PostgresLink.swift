// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Glibc
import Logging
import Storage

/// One libpq connection in pipeline mode, owned by one thread: sends commands and reads their results.
///
/// libpq itself never blocks here (`PQsetnonblocking`), so a long pipeline cannot wait for a server that waits for us.
final class PostgresLink {
    /// One message to the server that has one result.
    enum Command {
        /// Transaction control and settings: no parameters, not prepared.
        case control(String)
        case prepare(name: String, sql: String, types: [Oid])
        case execute(name: String, ParameterBuffer)
    }

    /// What the server answered to one command.
    struct Answer {
        var rows: [SQLRow] = []
        /// Such as `INSERT 0 5` or `COMMIT`.
        var tag = ""
        /// Rows that the command returned or changed.
        var affected = 0
    }

    /// What became of a pipeline: the answers up to the first failure, if any.
    struct Outcome {
        var answers: [Answer] = []
        var failure: StorageError?
        /// The SQLSTATE of the failure.
        var sqlState = ""
    }

    private let connection: OpaquePointer
    private let logger: Logger
    /// The failures of its statements are those of reads or of writes.
    private let writing: Bool
    /// Pipelines whose results were not waited for yet, by their numbers of commands.
    private var unread: [Int] = []
    /// Why the connection may not be used again.
    private(set) var brokenBecause: String?
    /// How long the answers to a pipeline may take before the connection is given up; `nil`: as long as they need.
    ///
    /// The server has limits of its own, but none of them helps when the server itself hangs.
    var answerTimeout: Duration?
    private var deadline: ContinuousClock.Instant?

    private init(connection: OpaquePointer, writing: Bool, logger: Logger) {
        self.connection = connection
        self.writing = writing
        self.logger = logger
        // The pointer back lives as long as the connection, which `deinit` ends.
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<PostgresLink>.fromOpaque(context).takeUnretainedValue().noticed(ServerReport(result: result))
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { PQfinish(connection) }

    var isBroken: Bool { brokenBecause != nil }
    var socket: Int32 { isBroken ? -1 : PQsocket(connection) }
    var serverVersion: Int32 { PQserverVersion(connection) }

    /// Whether the server has no transaction open for us, provided that all answers were read.
    var isIdle: Bool { PQtransactionStatus(connection) == PQTRANS_IDLE }

    func parameter(_ name: String) -> String? {
        PQparameterStatus(connection, name).map { String(cString: $0) }
    }

    // MARK: Connecting

    /// Connects and switches to pipeline mode.
    static func connect(
        to configuration: PostgresConfiguration, writing: Bool, logger: Logger
    ) throws(StorageError) -> PostgresLink {
        try configuration.checkParameters()
        let parameters = configuration.connectionParameters
        let keywords = parameters.map { strdup($0.keyword) } + [nil]
        let values = parameters.map { strdup($0.value) } + [nil]
        defer { for text in keywords + values { free(text) } }

        guard
            let connection = PQconnectStartParams(
                keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 0)
        else { throw StorageError(connecting: ServerReport(sqlState: "", text: "out of memory"), to: configuration) }
        // The only way to learn the SQLSTATE of a refused login: verbose texts name it.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        let link = PostgresLink(connection: connection, writing: writing, logger: logger)
        link.answerTimeout = configuration.answerTimeout
        if let report = link.finishConnecting(within: configuration.connectTimeout) {
            throw StorageError(connecting: report, to: configuration)
        }
        PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else {
            throw StorageError(connecting: link.report(), to: configuration)
        }
        return link
    }

    private func finishConnecting(within timeout: Duration) -> ServerReport? {
        guard PQstatus(connection) != CONNECTION_BAD else { return report() }
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var status = PGRES_POLLING_WRITING
        while status != PGRES_POLLING_OK {
            let events = status == PGRES_POLLING_READING ? SocketWait.readable : SocketWait.writable
            let remaining = clock.now.duration(to: deadline)
            guard remaining > .zero, SocketWait.wait(PQsocket(connection), for: events, atMost: remaining) != 0 else {
                return ServerReport(sqlState: "", text: "no answer within \(timeout)")
            }
            status = PQconnectPoll(connection)
            if status == PGRES_POLLING_FAILED { return report() }
        }
        return nil
    }

    /// libpq's last words, with the SQLSTATE if they are verbose: `FATAL:  28P01: password authentication failed`.
    private func report() -> ServerReport {
        let text = String(cString: PQerrorMessage(connection))
        for line in text.split(separator: "\n") {
            for part in line.split(separator: ":").dropFirst() where part.utf8.count == 7 && part.hasPrefix("  ") {
                let state = part.dropFirst(2)
                if state.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }) {
                    return ServerReport(sqlState: String(state), text: text)
                }
            }
        }
        return ServerReport(sqlState: "", text: text)
    }

    // MARK: Exchanging

    /// Sends `commands` and one sync, and reads all answers.
    ///
    /// The server stops at the first failure. `confirmed` hears the index of each command that succeeded.
    func exchange(_ commands: [Command], confirmed: (Int) -> Void = { _ in }) -> Outcome {
        startDeadline()
        drain()
        guard send(commands) else { return lostOutcome() }
        return receive(commands.count, confirmed: confirmed)
    }

    /// Sends `commands` without waiting for the answers, which the next use of the link reads and drops.
    func post(_ commands: [Command]) {
        startDeadline()
        drain()
        if send(commands) { unread.append(commands.count) }
    }

    /// Reads what `post` left unread.
    func drain() {
        while let count = unread.first {
            unread.removeFirst()
            if !isBroken { _ = receive(count) { _ in } }
        }
    }

    /// Looks at the socket without waiting: notices a connection that the server has closed.
    func checkHealth() {
        _ = notifications()
    }

    /// The payloads of the notifications that have arrived, without waiting for more.
    ///
    /// What came before the connection broke is among them.
    func notifications() -> [String] {
        startDeadline()
        drain()
        var payloads: [String] = []
        while true {
            // Parses what arrived: a farewell reaches the notice receiver.
            while let notification = PQnotifies(connection) {
                if let payload = notification.pointee.extra { payloads.append(String(cString: payload)) }
                PQfreemem(notification)
            }
            guard !isBroken, SocketWait.wait(PQsocket(connection), for: SocketWait.readable, atMost: .zero) != 0,
                consume()
            else { return payloads }
        }
    }

    private func startDeadline() {
        deadline = answerTimeout.map { ContinuousClock.now + $0 }
    }

    /// Waits for the socket, at most until the deadline, after which the connection is broken off.
    ///
    /// - Returns: The events that are there; 0 when the time is over.
    private func wait(for events: Int32) -> Int32 {
        let left = deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
        let ready = SocketWait.wait(PQsocket(connection), for: events, atMost: left)
        if ready == 0 { breakOff("no answer within \(answerTimeout ?? .zero)") }
        return ready
    }

    private func noticed(_ report: ServerReport) {
        if report.isFatal {
            breakOff(report.cause)
        } else {
            logger.debug("The database server sent a notice", metadata: ["postgres.notice": "\(report.cause)"])
        }
    }

    private func breakOff(_ cause: String) {
        if brokenBecause == nil { brokenBecause = cause }
    }

    private func lost() {
        let words = ServerReport(sqlState: "", text: String(cString: PQerrorMessage(connection))).cause
        breakOff(words.isEmpty ? "the connection ended" : words)
    }

    private func lostOutcome() -> Outcome {
        Outcome(failure: .connectionLost(brokenBecause ?? "the connection ended"))
    }

    private func send(_ commands: [Command]) -> Bool {
        guard !isBroken else { return false }
        for command in commands {
            let sent =
                switch command {
                case .control(let sql): PQsendQueryParams(connection, sql, 0, nil, nil, nil, nil, 1)
                case .prepare(let name, let sql, let types):
                    PQsendPrepare(connection, name, sql, Int32(types.count), types)
                case .execute(let name, let parameters):
                    parameters.withPointers { count, values, lengths, formats in
                        PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
                    }
                }
            guard sent == 1 else {
                lost()
                return false
            }
        }
        guard PQpipelineSync(connection) == 1 else {
            lost()
            return false
        }
        return flush()
    }

    /// Writes all of libpq's buffer, reading what the server says meanwhile.
    private func flush() -> Bool {
        while true {
            switch PQflush(connection) {
            case 0: return true
            case 1:
                let ready = wait(for: SocketWait.readable | SocketWait.writable)
                if ready == 0 { return false }
                if ready & ~SocketWait.writable != 0, !consume() { return false }
            default:
                lost()
                return false
            }
        }
    }

    private func consume() -> Bool {
        guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else {
            lost()
            return false
        }
        return true
    }

    /// The next result, waiting for it; `nil` between two commands, and when the time is over.
    private func nextResult() -> OpaquePointer? {
        while PQisBusy(connection) == 1 {
            // libpq itself would wait without end.
            guard wait(for: SocketWait.readable) != 0 else { return nil }
            guard consume() else { break }
        }
        return PQgetResult(connection)
    }

    private func receive(_ count: Int, confirmed: (Int) -> Void) -> Outcome {
        var outcome = Outcome()
        outcome.answers.reserveCapacity(count)
        for index in 0..<count {
            var answer = Answer()
            var succeeded = false
            while let result = nextResult() {
                defer { PQclear(result) }
                switch PQresultStatus(result) {
                case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                    succeeded = true
                    answer.tag = String(cString: PQcmdStatus(result))
                    answer.affected = Int(String(cString: PQcmdTuples(result))) ?? 0
                    do throws(StorageError) {
                        answer.rows = try ColumnDecoder.rows(of: result)
                    } catch {
                        outcome.failure = outcome.failure ?? error
                    }
                case PGRES_PIPELINE_ABORTED:
                    break
                default:
                    failed(ServerReport(result: result), &outcome)
                }
                if PQstatus(connection) == CONNECTION_BAD { break }
            }
            if isBroken || PQstatus(connection) == CONNECTION_BAD {
                lost()
                outcome.failure = .connectionLost(brokenBecause ?? "the connection ended")
                return outcome
            }
            if succeeded { confirmed(index) }
            if succeeded, outcome.failure == nil { outcome.answers.append(answer) }
        }
        readSync(&outcome)
        if outcome.failure == nil, outcome.answers.count != count {
            breakOff("a command of a pipeline had no answer")
            outcome.failure = .connectionLost("a command of a pipeline had no answer")
        }
        return outcome
    }

    private func failed(_ report: ServerReport, _ outcome: inout Outcome) {
        if report.isFatal { breakOff(report.cause) }
        guard outcome.failure == nil else { return }
        outcome.failure = StorageError(report, writing: writing)
        outcome.sqlState = report.sqlState
    }

    private func readSync(_ outcome: inout Outcome) {
        // The sync's own result is not followed by a separator.
        guard let result = nextResult() else {
            lost()
            outcome.failure = .connectionLost(brokenBecause ?? "the connection ended")
            return
        }
        defer { PQclear(result) }
        if PQresultStatus(result) != PGRES_PIPELINE_SYNC {
            // A failure at the sync itself: the implicit commit of a pipeline without a transaction.
            failed(ServerReport(result: result), &outcome)
            breakOff("a pipeline did not end with its sync")
        }
    }
}
