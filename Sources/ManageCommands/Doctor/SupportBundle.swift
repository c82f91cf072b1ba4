// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Bounds
import FoundationEssentials
import Glibc
import Operations
import Settings
import Storage
import TestClient

/// What a person needs who is to help from afar: a tar.gz of JSON and text, without secrets and without messages.
///
///     about.json          the program, the system, and what is missing with the reason
///     doctor.json         what 'doctor' found
///     settings.json       every setting with its origin; secrets are masked
///     database.json       engine, durability, schema and migrations, counts
///     tables.json         rows and bytes of each table
///     nodes.json          the servers that share the database
///     metrics.txt         what a running server shows to a scraper
///     messages.jsonl      the last messages of a running server's log
///     log/NAME            the ends of the log files
struct SupportBundle {
    /// A file of the bundle.
    struct Member: Encodable, Sendable {
        var name: String
        var bytes: Int
    }

    /// What `about.json` holds.
    struct About: Codable {
        var version: String
        var time: String
        var system: String
        var machine: String
        var processors: Int
        var missing: [String: String]
    }

    /// Of each file; `doctor --read` takes no larger one.
    static let maximumFileBytes = 4 << 20
    /// Of all log files together.
    private static let maximumLogBytes = 2 << 20
    private static let logFiles = ["error.log", "debug.log"]
    private static let lastMessages = 500

    private let timeout: Duration
    private var files: [(name: String, bytes: [UInt8])] = []
    /// Why something is not in it, by the name that it would have.
    private(set) var missing: [String: String] = [:]

    init(timeout: Duration) {
        self.timeout = timeout
    }

    var members: [Member] { files.map { Member(name: $0.name, bytes: $0.bytes.count) } }

    /// Collects all that can be had; `settings` is `nil` when they are invalid.
    mutating func collect(_ doctor: DoctorReport, _ settings: Settings?) async {
        add("doctor.json") { try Array(doctor.json().utf8) }
        if let settings {
            add("settings.json") { try Array(SettingsReport(settings).json().utf8) }
            let runner = OperationRunner(settings: settings)
            await add("database.json", DatabaseStatus(), runner)
            await add("tables.json", DatabaseStatistics(), runner)
            await add("nodes.json", ListNodes(), runner)
            await addMetrics(settings, runner)
            await addMessages(runner)
            addLogFiles(settings.logging.folder)
        } else {
            leaveOut("settings.json", "The settings are invalid: see doctor.json.")
        }
        addAbout()
    }

    /// Writes the file, which only its owner can read.
    func write(to path: String) async throws {
        let time = Timestamp(milliseconds: Int64(CommandContext.current.now()) * 1000)
        try await ArchiveFile.write(to: path) { descriptor in
            let tar = try TarWriter(descriptor: descriptor, time: time)
            for file in files { try tar.file(file.name, file.bytes) }
            try tar.finish()
        }
    }

    // MARK: Parts

    private mutating func add(_ name: String, _ bytes: () throws -> [UInt8]) {
        do { add(name, try bytes()) } catch { note(name, error) }
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) {
        guard bytes.count <= Self.maximumFileBytes else {
            return leaveOut(name, "It is larger than \(Self.maximumFileBytes) bytes.")
        }
        files.append((name, bytes))
    }

    private mutating func add<Operation: AdminOperation>(
        _ name: String, _ operation: Operation, _ runner: OperationRunner
    ) async {
        do {
            add(name, try await runner.run(operation).indentedJSON())
        } catch {
            note(name, error)
        }
    }

    private mutating func note(_ name: String, _ error: any Error) {
        leaveOut(name, CommandError(reporting: error)?.message ?? "It could not be read.")
    }

    private mutating func leaveOut(_ name: String, _ reason: String) {
        missing[name] = reason
    }

    private mutating func addMetrics(_ settings: Settings, _ runner: OperationRunner) async {
        let name = "metrics.txt"
        do {
            let report = try await runner.withServer { try await $0.run(ServerAddresses()) }
            guard let report else { return leaveOut(name, "No server is running.") }
            guard let listener = report.listeners.first(where: { $0.protocol == "metrics" }) else {
                return leaveOut(name, "The server serves no metrics.")
            }
            let host = StreamEndpoint(
                NetworkAddress(host: listener.host, port: listener.port), isSecure: listener.isSecure
            ).host
            var options = ClientOptions()
            options.timeout = timeout
            let place = host.contains(":") ? "[\(host)]" : host
            let answer = try await HTTPClient.get("http://\(place):\(listener.port)/metrics", options: options)
            guard answer.status == 200 else { return leaveOut(name, "The server answered \(answer.status).") }
            add(name, answer.body)
        } catch {
            note(name, error)
        }
    }

    private mutating func addMessages(_ runner: OperationRunner) async {
        let name = "messages.jsonl"
        do {
            let request = ReadServerLog(level: "trace", last: Self.lastMessages)
            let report = try await runner.withServer { try await $0.run(request) }
            guard let report else { return leaveOut(name, "No server is running.") }
            let encoder = JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes])
            var bytes: [UInt8] = []
            for record in report.records { bytes += Array(try encoder.encode(record)) + [UInt8(ascii: "\n")] }
            add(name, bytes)
        } catch {
            note(name, error)
        }
    }

    private mutating func addLogFiles(_ folder: String?) {
        guard let folder else { return leaveOut("log", "[LOGGING] names no folder for log files.") }
        for name in Self.logFiles {
            add("log/\(name)") {
                try Self.end(of: "\(folder)/\(name)", maximumBytes: Self.maximumLogBytes / Self.logFiles.count)
            }
        }
    }

    private mutating func addAbout() {
        var system = utsname()
        uname(&system)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        let about = About(
            version: CommandContext.current.version,
            time: Timestamp(milliseconds: Int64(CommandContext.current.now()) * 1000).text,
            system: "\(text(system.sysname)) \(text(system.release))", machine: text(system.machine),
            processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)), missing: missing)
        add("about.json") { try about.indentedJSON() }
    }

    /// The last whole lines of a file.
    private static func end(of path: String, maximumBytes: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError(.notFound, "There is no file '\(path)' that can be read.") }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0 else { throw CommandError(.failed, "'\(path)' cannot be read.") }
        let start = max(0, Int(state.st_size) - maximumBytes)
        var bytes = [UInt8](repeating: 0, count: min(Int(state.st_size), maximumBytes))
        let count = pread(descriptor, &bytes, bytes.count, start)
        guard count >= 0 else { throw CommandError(.failed, "'\(path)' cannot be read.") }
        bytes.removeLast(bytes.count - count)
        guard start > 0 else { return bytes }
        return Array(bytes.drop { $0 != UInt8(ascii: "\n") }.dropFirst())
    }
}

/// What `doctor --bundle` prints.
struct SupportBundleReport: CommandReport {
    var file: String
    var members: [SupportBundle.Member]
    var missing: [String: String]
    /// How many findings of `doctor` are to be fixed.
    var problems: Int

    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["FILE", "BYTES", "REMARK"])
        for member in members { table.add([member.name, "\(member.bytes)", ""]) }
        for (name, reason) in missing.sorted(by: { $0.key < $1.key }) { table.add([name, "-", reason]) }
        return table.text(style: style)
            + "Wrote \(file.escapedForTerminal()); 'doctor' found \(problems.counted("problem")).\n"
    }
}
