// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Storage
import Telemetry
import Transport

/// What an operator sees and changes of the log of a running server.
struct LogControl: Sendable {
    let sink: LogSink

    var levels: SetLogLevel.Report {
        let levels = sink.levels
        return SetLogLevel.Report(level: levels.level.name, modules: levels.modules.mapValues(\.name))
    }

    /// Changes the level of a module, or of all that have none of their own; `nil` takes a module's own level away.
    func set(_ text: String?, of module: String?) throws(OperationError) {
        let level = try text.map { text throws(OperationError) in try Self.level(text) }
        guard let module else {
            if let level { sink.setLevel(level) }
            return
        }
        guard sink.setLevel(level, of: module) else {
            throw OperationError(
                .invalid, "'\(module.prefix(100))' is no name of a module, or too many have a level of their own.",
                nextStep: "Give one such as Transport or Transport.Listener, as the log shows it.")
        }
    }

    /// Begins to watch, or reads what came since.
    ///
    /// The tokens of an administrator share a few watches: those of the machine and of the panel are not used up by the
    /// API.
    func read(
        _ request: ReadServerLog, of account: UserID?, for actor: OperationActor
    ) throws(OperationError) -> ReadServerLog.Report {
        let holder = actor.face == .api ? actor.name : nil
        guard let watch = request.watch else {
            if let module = request.module, !LogLevels.isName(module) {
                throw OperationError(.invalid, "'\(module.prefix(100))' is no name of a module.")
            }
            var metadata: [String: String] = [:]
            if let account { metadata[RequestLog.accountKey] = "\(account.rawValue)" }
            if let connection = request.connection { metadata[RequestLog.connectionKey] = "\(connection)" }
            let filter = LogFilter(level: try Self.level(request.level), module: request.module, metadata: metadata)
            return try begin(filter, last: request.last, for: holder)
        }
        guard let read = sink.readWatched(watch, for: holder) else {
            throw OperationError(.notFound, "This watch of the log has ended.", nextStep: "Begin another one.")
        }
        return ReadServerLog.Report(
            watch: watch, records: read.records.map { Self.record($0) }, dropped: read.dropped)
    }

    private func begin(
        _ filter: LogFilter, last: Int, for holder: String?
    ) throws(OperationError) -> ReadServerLog.Report {
        do {
            let begun = try sink.beginWatching(filter, last: last, for: holder)
            return ReadServerLog.Report(watch: begun.id, records: begun.records.map { Self.record($0) })
        } catch {
            switch error {
            case .full:
                throw OperationError(
                    .busy, "Too many watch the log already.", nextStep: "End another 'manage log tail' first.")
            case .holderHasEnough:
                throw OperationError(
                    .tooMany, "The tokens of this administrator watch the log as often as they may.",
                    nextStep: "Read one of the watches on; each ends half a minute after its last read.")
            }
        }
    }

    private static func level(_ text: String) throws(OperationError) -> LogLevel {
        guard let level = LogLevel(text) else {
            throw OperationError(
                .invalid, "'\(text.prefix(100))' is no level of the log.",
                nextStep: "Give one of: \(LogLevel.allCases.map { $0.name.lowercased() }.joined(separator: ", ")).")
        }
        return level
    }

    private static func record(_ record: WatchedLogRecord) -> ReadServerLog.Record {
        ReadServerLog.Record(
            time: record.time, level: record.level.name, logger: record.logger, module: record.module,
            function: record.function, line: record.line, message: record.message, metadata: record.metadata)
    }
}
