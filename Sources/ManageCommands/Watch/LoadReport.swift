// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import Operations

/// What `top` shows: how busy a server was between two measurements.
struct LoadReport: CommandReport {
    /// What happened between two measurements; nothing is known of it after the first one.
    struct Rates: Sendable, Equatable {
        var messagesPerSecond: Double
        var deliveriesPerSecond: Double
        var batchesPerSecond: Double
        /// Entries of the log in one transaction.
        var batchSize: Double?
        var processorPercent: Double
        var medianLatency: Duration?
        var highLatency: Duration?
    }

    private enum CodingKeys: String, CodingKey {
        case time, mode
        case uptime = "uptime_ms"
        case connections, connected, listeners
        case messages
        case messagesPerSecond = "messages_per_second"
        case deliveries
        case deliveriesPerSecond = "deliveries_per_second"
        case median = "latency_p50_ms"
        case high = "latency_p99_ms"
        case waitingWrites = "waiting_writes"
        case batchSize = "batch_size"
        case batchesPerSecond = "batches_per_second"
        case processorPercent = "processor_percent"
        case memory = "memory_bytes"
    }

    /// Seconds since 1970.
    var time: Int
    var measured: MeasureServer.Report
    var rates: Rates?

    init(_ measured: MeasureServer.Report, since earlier: MeasureServer.Report?, interval: Duration, time: Int) {
        self.time = time
        self.measured = measured
        let seconds = interval.milliseconds / 1000
        // A server that was started again counts from the beginning.
        guard let earlier, seconds > 0, measured.uptime >= earlier.uptime, measured.events >= earlier.events,
            measured.batches >= earlier.batches, measured.messages >= earlier.messages,
            measured.deliveries >= earlier.deliveries
        else { return }
        let batches = measured.batches - earlier.batches
        let latency = LatencyHistogram(buckets: measured.latency).since(LatencyHistogram(buckets: earlier.latency))
        rates = Rates(
            messagesPerSecond: Double(measured.messages - earlier.messages) / seconds,
            deliveriesPerSecond: Double(measured.deliveries - earlier.deliveries) / seconds,
            batchesPerSecond: Double(batches) / seconds,
            batchSize: batches == 0 ? nil : Double(measured.events - earlier.events) / Double(batches),
            processorPercent: Double(measured.processor - earlier.processor) / (seconds * 10),
            medianLatency: latency.quantile(0.5), highLatency: latency.quantile(0.99))
    }

    private var connected: Int { measured.connections.values.reduce(0, +) }

    /// Writes every key, also of what is `nil`.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(time, forKey: .time)
        try container.encode(measured.mode, forKey: .mode)
        try container.encode(measured.uptime, forKey: .uptime)
        try container.encode(measured.connections, forKey: .connections)
        try container.encode(connected, forKey: .connected)
        try container.encode(measured.listeners, forKey: .listeners)
        try container.encode(measured.messages, forKey: .messages)
        try container.encode(rates?.messagesPerSecond.inHundredths, forKey: .messagesPerSecond)
        try container.encode(measured.deliveries, forKey: .deliveries)
        try container.encode(rates?.deliveriesPerSecond.inHundredths, forKey: .deliveriesPerSecond)
        try container.encode(rates?.medianLatency?.milliseconds, forKey: .median)
        try container.encode(rates?.highLatency?.milliseconds, forKey: .high)
        try container.encode(measured.waitingWrites, forKey: .waitingWrites)
        try container.encode(rates?.batchSize?.inHundredths, forKey: .batchSize)
        try container.encode(rates?.batchesPerSecond.inHundredths, forKey: .batchesPerSecond)
        try container.encode(rates?.processorPercent.inHundredths, forKey: .processorPercent)
        try container.encode(measured.memory, forKey: .memory)
    }

    func text(style: TextStyle) -> String {
        lines(style: style).map { $0 + "\n" }.joined()
    }

    /// The lines of the text form, 80 columns wide at most.
    func lines(style: TextStyle) -> [String] {
        func line(_ name: String, _ words: String) -> String {
            style.apply(.bold, to: name.fitted(to: 13)) + " " + words.fitted(to: 66).trimmingEnd()
        }
        let protocols = measured.connections.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        func latency(_ duration: Duration?) -> String { duration.map { "\($0.inMilliseconds) ms" } ?? "-" }
        return [
            line(
                "Up", Self.uptime(measured.uptime) + (measured.mode == .normal ? "" : "    \(measured.mode.rawValue)")),
            line(
                "Connections", "\(connected)".columns(10) + "    " + protocols.joined(separator: "  ")),
            line("Subscribed", "\(measured.listeners)".columns(10) + "    live subscribers"),
            line("Messages", Self.rate(rates?.messagesPerSecond) + "  \(measured.messages) since the start"),
            line("Deliveries", Self.rate(rates?.deliveriesPerSecond) + "  \(measured.deliveries) since the start"),
            line(
                "Latency",
                "p50 \(latency(rates?.medianLatency))".columns(13) + "   p99 \(latency(rates?.highLatency))"
                    + "   commit to hand-over"),
            line(
                "Database",
                "\(measured.waitingWrites)".columns(10) + " writes queued  " + Self.rate(rates?.batchesPerSecond)
                    + " batches of " + (rates?.batchSize.map { $0.inTenths } ?? "-")),
            line("Memory", "\((Double(measured.memory) / 1_048_576).inTenths) MiB".columns(10)),
            line("Processor", (rates.map { "\($0.processorPercent.inTenths) %" } ?? "-").columns(10)),
        ]
    }

    private static func rate(_ value: Double?) -> String {
        (value?.inTenths ?? "-").columns(10) + "/s"
    }

    private static func uptime(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        let days = seconds / 86_400
        return days == 0 ? clock : "\(days) days \(clock)"
    }
}

extension Double {
    /// One digit after the point, for people.
    var inTenths: String {
        guard isFinite, abs(self) < 1e15 else { return "-" }
        let tenths = Int64((self * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    /// Two digits after the point, as a number.
    var inHundredths: Double { (self * 100).rounded() / 100 }
}

extension String {
    /// The text at the right end of so many columns.
    fileprivate func columns(_ width: Int) -> String {
        String(repeating: " ", count: Swift.max(0, width - count)) + self
    }

    fileprivate func trimmingEnd() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
