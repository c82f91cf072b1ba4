// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Logging
import NIOCore
import Synchronization

/// The answer of `/readyz`.
struct ReadinessReport: Sendable {
    /// Whether every check is passed.
    let isReady: Bool
    /// Every check by name, and which failed.
    let json: ByteBuffer

    init(_ checks: [ReadinessCheck]) {
        let failed = checks.filter { !$0.isPassed }
        self.isReady = failed.isEmpty
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", 1)
        writer.member("ready", failed.isEmpty)
        writer.key("checks")
        writer.beginArray()
        for check in checks {
            writer.beginObject()
            writer.member("name", check.name)
            writer.member("passed", check.isPassed)
            writer.endObject()
        }
        writer.endArray()
        writer.key("failed")
        writer.beginArray()
        for check in failed { writer.string(check.name) }
        writer.endArray()
        writer.endObject()
        self.json = ByteBuffer(bytes: writer.bytes)
    }
}

/// Asks for the checks and logs those that begin to fail or pass again.
///
/// Details go to the log because `/readyz` answers strangers.
final class ReadinessMonitor: Sendable {
    private let checks: @Sendable () async -> [ReadinessCheck]
    private let logger: Logger
    private let failing = Mutex<Set<String>>([])

    init(checks: @escaping @Sendable () async -> [ReadinessCheck], logger: Logger) {
        self.checks = checks
        self.logger = logger
    }

    func report() async -> ReadinessReport {
        let checks = await self.checks()
        let failed = Set(checks.lazy.filter { !$0.isPassed }.map(\.name))
        let before = self.failing.withLock { failing in
            defer { failing = failed }
            return failing
        }
        for check in checks where check.isPassed == before.contains(check.name) {
            if check.isPassed {
                self.logger.info("Readiness check passes again", metadata: ["web.check.name": "\(check.name)"])
            } else {
                self.logger.warning(
                    "Readiness check fails",
                    metadata: ["web.check.name": "\(check.name)", "web.check.detail": "\(check.detail ?? "none")"]
                )
            }
        }
        return ReadinessReport(checks)
    }
}
