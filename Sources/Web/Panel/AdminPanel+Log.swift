// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import ServiceLifecycle
import Settings

/// The server's own log: its last messages, and those that come.
extension AdminPanel {
    /// How many of the last messages the page begins with.
    private static let lastMessages = 200
    /// How long to wait for messages before it is looked again whether the login is still valid, in milliseconds.
    private static let wait = 1000
    /// After how many waits without messages the browser hears that the server is there.
    private static let quietWaits = 15

    /// Answers `/admin/log`: the last messages of a level and a module, the newest first.
    static func log(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let level = visit.query["level"] ?? "INFO"
        let module = visit.query.text("module")
        var values: [String: Any] = [
            "module": module,
            "levels": SettingKind.logLevels.map {
                ["name": $0.name, "chosen": $0.name.utf8.elementsEqual(level.utf8)]
            },
        ]
        do throws(OperationError) {
            let report = try await visit.run(
                ReadServerLog(level: level, module: module.isEmpty ? nil : module, last: lastMessages))
            values["watch"] = "\(report.watch)"
            values["records"] = report.records.reversed().map(\.values)
            return visit.page("admin-log", title: "Log", values)
        } catch {
            return visit.page("admin-log", title: "Log", values, error: error)
        }
    }

    /// Answers `/admin/log/events`: what comes after the page, as server-sent events with the lines of the list,
    /// rendered here.
    ///
    /// Before anything is sent it is looked whether the login is still valid.
    static func logEvents(_ visit: PanelVisit) async throws(OperationError) -> Response {
        guard let watch = visit.query.number("watch").map({ UInt64($0) }) else {
            throw OperationError(.invalid, "The watch is not a number.")
        }
        let first = try await visit.run(ReadServerLog(watch: watch))
        var response = Response.panel(.ok, type: "text/event-stream", ByteBuffer())
        response.body = ResponseBody { writer in
            var (report, silence) = (first, quietWaits)
            while !Task.isCancelled, !Task.isShuttingDownGracefully, await visit.isStillLoggedIn() {
                if !report.records.isEmpty || report.dropped > 0 {
                    try await writer.write(ByteBuffer(string: visit.event(report)))
                    silence = 0
                } else if silence == quietWaits {
                    try await writer.write(ByteBuffer(string: ":\n\n"))
                    silence = 0
                }
                guard let next = try? await visit.run(ReadServerLog(watch: watch, wait: wait)) else { break }
                (report, silence) = (next, silence + 1)
            }
            try await writer.finish(nil)
        }
        return response.with(.xAccelBuffering, "no")
    }
}

extension PanelVisit {
    /// An event whose data is a part of the page, the newest message first.
    fileprivate func event(_ report: ReadServerLog.Report) -> String {
        let html = desk.templates.render(
            "admin-log-records",
            [
                "records": report.records.reversed().map(\.values),
                "dropped": report.dropped > 0 ? "\(report.dropped)" : false,
            ])
        let lines = html.utf8.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        return lines.map { "data: \(String(decoding: $0, as: UTF8.self))\n" }.joined() + "\n"
    }
}

extension ReadServerLog.Record {
    fileprivate var values: [String: Any] {
        [
            "time": time.asTime, "level": level, "module": module, "message": message,
            "bad": level == "ERROR" || level == "CRITICAL", "warn": level == "WARNING",
            "metadata": metadata.isEmpty
                ? false : metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
        ]
    }
}

extension HTTPField.Name {
    /// Keeps proxies from holding back what is sent bit by bit.
    fileprivate static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering") ?? .from
}
