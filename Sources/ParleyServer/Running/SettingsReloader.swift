// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import CoreMetrics
import Logging
package import Operations
package import Settings
import Storage
import Synchronization
package import Telemetry
package import Transport
import Web

/// Reads the settings of a running server again and applies what can be applied.
///
/// Everything that may fail is tried first; then each changed key is applied, or waits for a restart.
package actor SettingsReloader {
    /// Where new settings come from, and what the command line adds to them.
    package struct Source: Sendable {
        /// The settings file, which need not exist.
        package var file: SettingsFile
        /// Reads it again, under the options of the start; throws `SettingsError`.
        package var load: @Sendable () throws -> Settings
        /// The log after settings and options.
        package var logConfiguration: @Sendable (Settings) -> LogConfiguration
        /// TLS after settings and options; `nil` for none.
        package var tlsOptions: @Sendable (Settings) -> TLSOptions?

        package init(
            file: SettingsFile, load: @escaping @Sendable () throws -> Settings,
            logConfiguration: @escaping @Sendable (Settings) -> LogConfiguration,
            tlsOptions: @escaping @Sendable (Settings) -> TLSOptions?
        ) {
            self.file = file
            self.load = load
            self.logConfiguration = logConfiguration
            self.tlsOptions = tlsOptions
        }
    }

    /// What of a running server follows the settings.
    struct Parts: Sendable {
        /// Told when a reload begins and ends.
        let manager: ServiceManager?
        let chat: Chat
        let live: LiveSettings
    }

    let source: Source
    private let log: LogSink?
    private let parts: Parts
    private let logger: Logger
    private let applied: Counter
    private let refused: Counter
    private let succeeded: Meter
    /// The settings of the start, with the keys that were applied since.
    private(set) var inForce: Settings
    /// The pages, whose templates are read again.
    private var web: WebService?

    init(
        _ source: Source, settings: Settings, parts: Parts, log: LogSink?, metrics: any MetricsFactory, logger: Logger
    ) {
        self.source = source
        self.parts = parts
        self.log = log
        self.logger = logger
        inForce = settings
        let name = "parley_reloads_total"
        applied = Counter(label: name, dimensions: [("outcome", "applied")], factory: metrics)
        refused = Counter(label: name, dimensions: [("outcome", "refused")], factory: metrics)
        succeeded = Meter(label: "parley_reload_success_timestamp_seconds", dimensions: [], factory: metrics)
        succeeded.set(Double(WallClock.now().milliseconds) / 1000)
    }

    /// Also reads the templates of these pages again from now on.
    func serve(_ web: WebService) { self.web = web }

    /// Reads the settings again.
    ///
    /// - Returns: What became of each changed key; when the settings are refused, why.
    package func reload() async -> ReloadServer.Report {
        // Before the server is ready, `READY=1` is not the reload's to say.
        let manager = web == nil ? nil : parts.manager
        manager?.tellReloading()
        let report: ReloadServer.Report
        do {
            let new = try source.load()
            report = try apply(new)
            // The page shows settings, too. Its templates were read without a mistake a moment ago.
            try? await web?.reload(templatesFolder: new.templatesFolder)
            // Only now: a reader of the log expects the new page.
            tell(report)
        } catch {
            report = Self.refusal(error)
            tell(report)
        }
        manager?.tellReloaded(isRefused: !report.isApplied)
        return report
    }

    /// A file that was there is not; without it the defaults would apply.
    private struct FileMissing: Error, CustomStringConvertible {
        let file: String

        var description: String { "The settings file '\(file)' is missing. Put it back." }
    }

    private func apply(_ new: Settings) throws -> ReloadServer.Report {
        if let file = inForce.file, new.file == nil { throw FileMissing(file: file) }
        let tls = source.tlsOptions(new)
        // Whatever can fail comes first, and what cannot be undone last.
        _ = try tls?.makeConfiguration()
        try WebService.checkTemplates(in: new.templatesFolder)
        try log?.reconfigure(source.logConfiguration(new))
        var reopened = log == nil ? ["templates"] : ["log", "templates"]
        if let tls, let certificate = parts.live.certificate {
            try certificate.renew(from: tls)
            reopened.append("certificate")
        }
        parts.chat.update(ChatPolicy(new, servedAs: inForce))
        parts.live.update(new)
        let changes = new.changedKeys(since: inForce).map { change($0, new) }
        let done = changes.filter { $0.outcome == .applied }.compactMap { SettingKey.named($0.key) }
        inForce = inForce.noting(done, of: new)
        return ReloadServer.Report(isApplied: true, changes: changes, reopened: reopened)
    }

    private func change(_ key: SettingKey, _ new: Settings) -> ReloadServer.Change {
        let text = new.text(of: key)
        switch key.reload {
        case .unused:
            return ReloadServer.Change(key: key.path, outcome: .unused, value: text, reason: "It has no effect here.")
        case .restart:
            return ReloadServer.Change(
                key: key.path, outcome: .restart, value: text, reason: "It is in force when the server starts again.")
        case .applied:
            let isTLS = key.section == SettingKey.tlsKeyFile.section
            if isTLS, parts.live.certificate == nil || new.tls.certificateFile == nil {
                return ReloadServer.Change(
                    key: key.path, outcome: .restart, value: text,
                    reason: "TLS is switched on or off when the server starts again.")
            }
            return ReloadServer.Change(key: key.path, outcome: .applied, value: text)
        }
    }

    private static func refusal(_ error: any Error) -> ReloadServer.Report {
        guard let error = error as? SettingsError else {
            // TLS, templates and log: their words name the file.
            return ReloadServer.Report(isApplied: false, reasons: ["\(error)"])
        }
        let changes = error.findings.compactMap { finding in
            finding.key.map {
                ReloadServer.Change(key: $0, outcome: .refused, reason: "\(finding.message) \(finding.remedy)")
            }
        }
        return ReloadServer.Report(isApplied: false, changes: changes, reasons: error.findings.map(\.description))
    }

    private func tell(_ report: ReloadServer.Report) {
        guard report.isApplied else {
            refused.increment()
            logger.error(
                "The settings were refused; the old ones stay in force",
                metadata: ["error": "\(report.reasons.joined(separator: " "))"])
            return
        }
        applied.increment()
        succeeded.set(Double(WallClock.now().milliseconds) / 1000)
        func keys(_ outcome: ReloadServer.Change.Outcome) -> String {
            report.changes.filter { $0.outcome == outcome }.map(\.key).joined(separator: ", ")
        }
        logger.info(
            "The settings were read again",
            metadata: [
                "settings.applied": "\(keys(.applied))", "settings.restart": "\(keys(.restart))",
                "settings.reopened": "\(report.reopened.joined(separator: ", "))",
            ])
    }
}

/// What the listeners and pages take from the settings anew each time.
final class LiveSettings: Sendable {
    let origins: OriginPolicy
    let proxies: ProxyTrust
    /// `nil` without TLS.
    let certificate: LiveCertificate?
    private let serverName: Mutex<String>

    init(_ settings: Settings, tls: TLSOptions?) throws(TLSOptionsError) {
        origins = OriginPolicy(allowed: Set(settings.server.origins))
        proxies = ProxyTrust(ranges: settings.server.trustedProxies, header: settings.forwardedHeader)
        serverName = Mutex(settings.server.name)
        certificate = try tls.map { options throws(TLSOptionsError) in try LiveCertificate(options) }
    }

    /// What the server calls itself to people.
    var name: String { serverName.withLock { $0 } }

    func update(_ settings: Settings) {
        origins.set(allowed: Set(settings.server.origins))
        proxies.set(ranges: settings.server.trustedProxies, header: settings.forwardedHeader)
        serverName.withLock { $0 = settings.server.name }
    }
}
