// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// What a process has used, from `/proc`.
package struct ProcessUsage: Sendable {
    /// Time on a processor, in the program and in the kernel, in microseconds; counted in steps of 10 ms.
    package let processorMicroseconds: Double
    /// Memory that is in use and in RAM, in KiB.
    package let residentKiB: Int
    /// The part of it that is no file: heap and stacks.
    package let anonymousKiB: Int

    /// Reads the figures of a process.
    ///
    /// - Parameter id: The process.
    /// - Throws: `BenchmarkFailure` when there is no such process.
    package init(of id: pid_t) throws(BenchmarkFailure) {
        guard let statistics = ProcText.read("/proc/\(id)/stat"), let status = ProcText.read("/proc/\(id)/status"),
            let nameEnd = statistics.lastIndex(of: ")")
        else { throw BenchmarkFailure("Process \(id) has ended before the benchmark did.") }
        // The name may hold spaces. Behind it comes field 3; fields 14 and 15 are the time.
        let fields = statistics[nameEnd...].split(separator: " ").dropFirst().compactMap { Int($0) ?? 0 }
        guard fields.count > 13 else { throw BenchmarkFailure("The figures of process \(id) cannot be read.") }
        let ticks = Double(fields[11] + fields[12])
        processorMicroseconds = ticks / Double(sysconf(Int32(_SC_CLK_TCK))) * 1_000_000
        residentKiB = Self.kibibytes("VmRSS:", in: status)
        anonymousKiB = Self.kibibytes("RssAnon:", in: status)
    }

    private static func kibibytes(_ name: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// Waits until a process has used next to nothing of a processor for 1.5 s, at most a minute.
    ///
    /// Ten thousand connections take ten milliseconds once a second, when their timeouts are looked at.
    ///
    /// - Parameter id: The process.
    /// - Throws: `BenchmarkFailure` when it has ended, or does not come to rest.
    package static func waitUntilIdle(_ id: pid_t) async throws {
        var quiet = 0
        var last = try ProcessUsage(of: id).processorMicroseconds
        for _ in 0..<240 {
            try await Task.sleep(for: .milliseconds(250))
            let used = try ProcessUsage(of: id).processorMicroseconds
            quiet = used - last <= 20_000 ? quiet + 1 : 0
            if quiet == 6 { return }
            last = used
        }
        throw BenchmarkFailure("The server does not come to rest.")
    }
}

/// How busy the whole machine has been, from `/proc/stat`.
package struct MachineUsage: Sendable {
    private let busy: Double
    private let total: Double

    /// The figures up to now.
    package init() {
        let line = ProcText.read("/proc/stat")?.split(separator: "\n").first ?? ""
        // user nice system idle iowait irq softirq steal
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        total = fields.reduce(0, +)
        busy = fields.count < 5 ? 0 : total - fields[3] - fields[4]
    }

    /// Which part of the processors was busy since an earlier reading, 0 to 1.
    package func busyShare(since earlier: MachineUsage) -> Double {
        total > earlier.total ? (busy - earlier.busy) / (total - earlier.total) : 0
    }
}

enum ProcText {
    /// The text of a file under `/proc`; `nil` when there is none.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count <= 0 { break }
            text += chunk.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
