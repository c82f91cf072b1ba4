// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Operations
import Synchronization

/// Backups: made and verified as jobs, and taken away.
extension AdminPanel {
    /// Answers `/admin/backups`.
    static func backups(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.backupsPage()
    }

    /// Answers `/admin/backups/live`: the part of the page that moves.
    static func liveBackups(_ visit: PanelVisit) async throws(OperationError) -> Response {
        .panel(.ok, html: visit.desk.templates.render("admin-backups-live", try await visit.backupValues()))
    }

    static func createBackup(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            try visit.start(CreateBackup())
            return visit.done(.started, at: "/admin/backups")
        } catch {
            return try await visit.backupsPage(error: error)
        }
    }

    static func verifyBackup(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            try visit.start(VerifyBackup(name: visit.form.text("name")))
            return visit.done(.started, at: "/admin/backups")
        } catch {
            return try await visit.backupsPage(error: error)
        }
    }

    static func cancelBackup(_ visit: PanelVisit) async throws(OperationError) -> Response {
        do throws(OperationError) {
            guard visit.administrator.scope == .write else {
                throw OperationError(.refused, "This login may change nothing.")
            }
            _ = try visit.panel.jobs.cancel(visit.form.text("job"))
            return visit.done(.cancelled, at: "/admin/backups")
        } catch {
            return try await visit.backupsPage(error: error)
        }
    }

    /// Sends the file itself; only a form with its token gets it, and it is recorded who did.
    static func downloadBackup(_ visit: PanelVisit) async throws(OperationError) -> Response {
        let name = visit.form.text("name")
        let file = try await visit.run(DownloadBackup(name: name))
        let body: ResponseBody
        do {
            body = try await FileIO().loadFile(path: file.path, context: visit.context)
        } catch {
            throw OperationError(.notFound, "The backup '\(name)' is gone.")
        }
        var response = Response.panel(.ok, type: "application/gzip", ByteBuffer())
        response.body = visit.attending(body)
        // The name is that of a file of the folder; what an operator put there may have odd letters.
        let safe = String(decoding: name.utf8.map { $0.isPlain ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
        return response.with(.contentDisposition, "attachment; filename=\"\(safe)\"")
    }
}

extension PanelVisit {
    private static let shownJobs = 5
    /// After how many parts of a download, of 128 KiB each, it is looked again whether the login is still valid.
    private static let attendedParts = 8

    /// The same body, which breaks off when the login ends.
    fileprivate func attending(_ body: ResponseBody) -> ResponseBody {
        ResponseBody(contentLength: body.contentLength) { writer in
            let parts = Atomic(0)
            try await body.write(
                writer.map { part in
                    let number = parts.add(1, ordering: .relaxed).newValue
                    if number % Self.attendedParts == 0, await !isStillLoggedIn() {
                        throw OperationError(.refused, "The login has ended.")
                    }
                    return part
                })
        }
    }

    fileprivate func backupsPage(error: OperationError? = nil) async throws(OperationError) -> Response {
        var values: [String: Any] = [:]
        do throws(OperationError) {
            values = try await backupValues()
        } catch let failure {
            return page("admin-backups", title: "Backups", [:], error: error ?? failure)
        }
        return page("admin-backups", title: "Backups", values, error: error)
    }

    fileprivate func backupValues() async throws(OperationError) -> [String: Any] {
        let report = try await run(ListBackups())
        let jobs = panel.jobs.jobs.map(\.report).filter {
            $0.operation == CreateBackup.name || $0.operation == VerifyBackup.name
        }
        return [
            "token": token.text, "keep": "\(report.keep)", "schedule": report.schedule ?? false,
            "backups": report.backups.map(\.values), "jobs": jobs.prefix(Self.shownJobs).map(\.values),
        ]
    }
}

extension BackupReport {
    fileprivate var values: [String: Any] {
        [
            "name": name, "size": Int64(bytes).inBytes, "created": created?.asTime ?? "unreadable",
            "program": program ?? "–", "engine": engine ?? "–", "readable": created != nil,
        ]
    }
}

extension JobReport {
    /// What pages show of a long operation.
    fileprivate var values: [String: Any] {
        var values: [String: Any] = [
            "id": id, "what": operation == CreateBackup.name ? "Make a backup" : "Verify a backup", "who": principal,
            "started": started.asTime, "ended": ended?.asTime ?? false, "state": state.rawValue,
            "running": state == .running, "good": state == .done, "bad": state == .failed,
        ]
        values["failure"] = error?.description ?? false
        values["progress"] =
            progress.map { progress in
                [
                    "done": "\(min(progress.done, progress.total))", "total": "\(max(1, progress.total))",
                    "text": progress.phase == "bytes"
                        ? "\(Int64(progress.done).inBytes) of \(Int64(progress.total).inBytes)"
                        : "\(progress.done.grouped) of \(progress.total.grouped) \(progress.phase)",
                ]
            } ?? false
        return values
    }
}

extension UInt8 {
    /// Whether it may stand in the name of a file wherever it is saved: a letter, a digit, or one of `.-_`.
    fileprivate var isPlain: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
