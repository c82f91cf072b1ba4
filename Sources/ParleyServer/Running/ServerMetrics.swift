// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Bounds
import Chat
import Credentials
import Glibc
import Operations
import Storage
import Telemetry
import Transport

/// What `/metrics` shows: what was counted as it happened, and the state of this moment.
struct ServerMetrics: Sendable {
    let chat: Chat
    let registry: ConnectionRegistry
    let load: ServerLoad
    let readiness: Readiness
    let options: ParleyServer.Options
    /// Where this server's backups are; `nil` while it makes none.
    let backups: BackupFolder?
    /// Whether `/readyz` says that the server is ready.
    let isReady: @Sendable () async -> Bool
    let started = WallClock.now()
    /// How long the database may take.
    private static let timeout = Duration.seconds(2)

    /// The samples in one of the forms that Prometheus reads.
    func text(_ format: MetricText.Format) async -> String {
        MetricText.text(of: await samples(), format)
    }

    func samples() async -> MetricSamples {
        var samples = options.metrics.samples
        // The same report that `top` shows: the two cannot disagree.
        if let report = try? await MeasureServer().run(on: OperationContext(chat: chat)) {
            addReport(report, to: &samples)
        }
        addConnections(to: &samples)
        await addDatabase(to: &samples)
        samples.add("parley_ready", [], await isReady() ? 1 : 0)
        for mode in ServiceMode.allCases {
            samples.add("parley_service_mode", [mode.rawValue], mode == chat.mode ? 1 : 0)
        }
        samples.add("parley_build_info", [options.version], 1)
        if let totals = options.logSink?.totals {
            samples.add("parley_log_errors_total", [], totals.errors)
            samples.add("parley_log_warnings_total", [], totals.warnings)
            samples.add("parley_log_dropped_total", [], totals.dropped)
        }
        if let newest = try? backups?.newestFile(now: chat.storage.currentTime()) {
            samples.add("parley_backup_timestamp_seconds", [], .number(Double(newest.time) / 1000))
            samples.add("parley_backup_size_bytes", [], newest.bytes)
        }
        addProcess(to: &samples)
        return samples
    }

    private func addReport(_ report: MeasureServer.Report, to samples: inout MetricSamples) {
        for (name, count) in report.connections { samples.add("parley_connections", [name], count) }
        samples.add("parley_subscribers", [], report.listeners)
        samples.add("parley_waiting_writes", [], report.waitingWrites)
        let bounds = MetricDefinition.times
        let latency = LatencyHistogram(buckets: report.latency)
        samples.add(
            "parley_delivery_latency_seconds", [],
            .histogram(
                MetricHistogram(
                    bounds: bounds, counts: latency.counts(upTo: bounds),
                    sum: chat.metrics.counts.latencySum / .seconds(1))))
        samples.add("process_resident_memory_bytes", [], report.memory)
        samples.add("process_cpu_seconds_total", [], .number(Double(report.processor) / 1000))
    }

    private func addConnections(to samples: inout MetricSamples) {
        samples.add("parley_open_connections", [], registry.openConnections)
        samples.add("parley_http_requests_total", [], load.totalRequests)
        samples.add("parley_inbound_bytes", [], registry.inboundBudget.usedBytes)
        samples.add("parley_outbound_bytes", [], registry.waitingBytes)
        samples.add("parley_hashes_waiting", [], chat.hasher.load.waiting)
        samples.add("parley_delivery_queue_batches", [], chat.waitingBatches)
    }

    private func addDatabase(to samples: inout MetricSamples) async {
        let storage = chat.storage
        let answer = await TimeLimit.result(within: Self.timeout) { () async -> (Int64, [NodeRecord])? in
            guard let bytes = try? await storage.databaseBytes(), let nodes = try? await storage.nodes() else {
                return nil
            }
            return (bytes, nodes)
        }
        if case (let bytes, let nodes)?? = answer {
            let alive = nodes.filter { $0.ageMilliseconds <= ServerNode.silenceLimit.wholeMilliseconds }
            samples.add("parley_database_size_bytes", [], bytes)
            samples.add("parley_nodes", [], alive.count)
            samples.add("parley_nodes_draining", [], alive.count(where: \.isDraining))
        }
        if let free = readiness.freeBytes().map(\.bytes).min() { samples.add("parley_disk_free_bytes", [], free) }
    }

    private func addProcess(to samples: inout MetricSamples) {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            samples.add("process_max_fds", [], limit.rlim_cur)
        }
        if let count = Self.openFiles() { samples.add("process_open_fds", [], count) }
        samples.add("process_start_time_seconds", [], .number(Double(started.milliseconds) / 1000))
    }

    /// The entries of `/proc/self/fd`, without the one that reads them; `nil` where there is none.
    private static func openFiles() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count - 1
    }
}
