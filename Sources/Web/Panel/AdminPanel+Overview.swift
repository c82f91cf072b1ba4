// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import Hummingbird
import Operations

/// The first page: how the server is.
extension AdminPanel {
    /// Answers `/admin`.
    static func overview(_ visit: PanelVisit) async throws(OperationError) -> Response {
        var values = try await visit.liveValues()
        let facts = try await visit.panel.database.value().get()
        values["database"] = [
            "engine": facts.engine, "size": facts.sizeBytes.inBytes, "schema": facts.schema,
            "durability": facts.durability.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
                .joined(separator: ", "),
        ]
        if let counts = facts.counts {
            values["counts"] = [
                "users": Int(counts.users).grouped, "flows": Int(counts.flows).grouped,
                "messages": Int(counts.messages).grouped,
            ]
        }
        let nodes = try await visit.run(ListNodes()).nodes
        values["nodes"] = nodes.map(\.values)
        values["version"] = visit.panel.server.version
        return visit.page("admin-overview", title: "Overview", values)
    }

    /// Answers `/admin/live`: the part of the overview that moves.
    static func live(_ visit: PanelVisit) async throws(OperationError) -> Response {
        .panel(.ok, html: visit.desk.templates.render("admin-live", try await visit.liveValues()))
    }
}

extension PanelVisit {
    fileprivate func liveValues() async throws(OperationError) -> [String: Any] {
        let now = try await run(MeasureServer())
        let points = panel.history.now.points
        let total = now.connections.values.reduce(0, +)
        let last = points.last
        var values: [String: Any] = [
            "mode": now.mode.rawValue, "restricted": now.mode != .normal,
            "uptime": Duration.milliseconds(now.uptime).inWords,
            "connections": total.grouped,
            "protocols": now.connections.sorted { $0.key < $1.key }.map {
                ["name": $0.key, "count": $0.value.grouped, "part": "\(total > 0 ? $0.value * 100 / total : 0)"]
            },
            "subscribers": now.listeners.grouped,
            "rate": (last?.messages ?? 0).inDigits,
            "deliveries": (last?.deliveries ?? 0).inDigits,
            "median": last?.median?.inMilliseconds ?? "–",
            "slow": last?.slow?.inMilliseconds ?? "–",
            "waiting": now.waitingWrites.grouped,
            "memory": now.memory.inBytes,
            "processor": "\(Int(((last?.processor ?? 0) * 100).rounded())) %",
            "charts": [
                Chart("Messages a second", points.map(\.messages)) { $0.inDigits }.values,
                Chart("Delivered in, 99 of 100", points.map { $0.slow?.milliseconds ?? 0 }) {
                    Duration.microseconds(Int64($0 * 1000)).inMilliseconds
                }.values,
                Chart("Logged-in connections", points.map { Double($0.connections) }) { Int($0.rounded()).grouped }
                    .values,
            ],
        ]
        if let disk = panel.server.disk() {
            values["disk"] = [
                "free": disk.free.inBytes, "total": disk.total.inBytes,
                "scarce": disk.total > 0 && disk.free * 20 < disk.total,
            ]
        }
        return values
    }
}

/// A line over time, drawn here.
struct Chart {
    static let width = 300.0
    static let height = 64.0

    let title: String
    /// The points of the line, for an SVG.
    let line: String
    /// The same, closed to the ground.
    let area: String
    let latest: String
    let highest: String

    /// A line through numbers, oldest first, which end at the right; fewer than two are no line.
    init(_ title: String, _ numbers: [Double], format: (Double) -> String) {
        self.title = title
        let top = numbers.max() ?? 0
        latest = format(numbers.last ?? 0)
        highest = format(top)
        let step = Self.width / Double(ServerHistory.capacity - 1)
        let begin = Self.width - step * Double(numbers.count - 1)
        let points = numbers.enumerated().map { index, number in
            let height = top > 0 ? number / top * (Self.height - 4) : 0
            return "\((begin + step * Double(index)).short),\((Self.height - 2 - height).short)"
        }
        line = points.count > 1 ? points.joined(separator: " ") : ""
        area =
            line.isEmpty ? "" : "\(begin.short),\(Self.height.short) \(line) \(Self.width.short),\(Self.height.short)"
    }

    var values: [String: Any] {
        ["title": title, "line": line, "area": area, "latest": latest, "highest": highest, "drawn": !line.isEmpty]
    }
}

extension NodeReport {
    /// What pages show of a server.
    var values: [String: Any] {
        [
            "id": "\(id)", "name": name, "status": status.rawValue, "clients": clients.grouped,
            "heartbeat": "\(heartbeatAge) ms ago", "started": started.asTime, "silent": status == .silent,
            "draining": status == .draining, "serving": status == .serving,
            "resumable": status == .draining || (status == .serving && drainsAt != nil),
            "announced": drainsAt != nil, "drainsAt": drainsAt?.asTime ?? "", "told": message != nil,
            "message": message ?? "", "restricted": mode != .normal, "mode": mode.rawValue,
            "stated": status != .serving || mode == .normal,
            "addresses": addresses.sorted { $0.key < $1.key }.map { ["name": $0.key, "address": $0.value] },
        ]
    }
}

extension Double {
    /// With one digit after the point.
    fileprivate var short: String {
        let tenths = Int((self * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    /// Small numbers with one digit after the point.
    var inDigits: String { self < 100 ? short : Int(rounded()).grouped }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }

    /// Such as `1.2 ms`.
    var inMilliseconds: String { "\(milliseconds.inDigits) ms" }
}

extension Int64 {
    /// A size for people: `12.3 MiB`.
    var inBytes: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var size = Double(Swift.max(0, self))
        var unit = 0
        while size >= 1024, unit < units.count - 1 {
            size /= 1024
            unit += 1
        }
        return unit == 0 ? "\(self) B" : "\(size.inDigits) \(units[unit])"
    }
}

extension String {
    /// A time of a report for people: without the fraction of its second and the letters of RFC 3339.
    var asTime: String {
        let text = utf8.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "Z") }
        return String(decoding: text.map { $0 == UInt8(ascii: "T") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
