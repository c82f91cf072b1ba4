// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Operations

extension SupportBundle {
    /// What 'doctor --bundle' writes has about ten files.
    private static let maximumFiles = 16
    private static let lastLogLines = 10
    private static let maximumLineBytes = 1000

    /// What a member is read for; what is in it beside that, as of a newer version, is no matter.
    private struct SettingsPart: Decodable {
        struct Setting: Decodable {
            struct Source: Decodable { var kind: String }

            var section: String
            var key: String
            var source: Source
        }

        var settings: [Setting]
    }

    private struct NodesPart: Decodable { var nodes: [BundleSummary.Node] }

    private struct LogPart: Decodable {
        var time: String
        var level: String
        var module: String
        var message: String
    }

    /// Reads a bundle, of whatever machine, into memory; nothing of it is written or run.
    static func read(_ path: String) throws(CommandError) -> ReadBundleReport {
        let files = try files(of: path)
        guard let about = decoded(About.self, "about.json", files), let doctor = files["doctor.json"] else {
            throw unusable(path, "It is an archive, but holds no findings of 'doctor'.")
        }
        struct Head: Decodable { var version: Int }
        guard let head = decoded(Head.self, "doctor.json", files), head.version <= DoctorReport.version,
            let report = try? JSONDecoder.forOperations.decode(DoctorReport.self, from: Data(doctor))
        else { throw unusable(path, "Its findings cannot be read by version \(CommandContext.current.version).") }
        let settings = decoded(SettingsPart.self, "settings.json", files)?.settings
        let summary = BundleSummary(
            file: path, program: about.version, time: about.time, system: about.system, machine: about.machine,
            processors: about.processors,
            settings: settings?.filter { $0.source.kind != "default" }.map { "\($0.section).\($0.key)" },
            database: decoded(BundleSummary.Database.self, "database.json", files),
            nodes: decoded(NodesPart.self, "nodes.json", files)?.nodes, log: logLines(files), missing: about.missing)
        return ReadBundleReport(doctor: report, bundle: summary)
    }

    /// All files of the archive by their names, which are compared and nothing else.
    private static func files(of path: String) throws(CommandError) -> [String: [UInt8]] {
        do {
            return try ArchiveFile.read(path) { descriptor in
                let tar = try TarReader(descriptor: descriptor)
                var files: [String: [UInt8]] = [:]
                while let file = try tar.file(limit: maximumFileBytes) {
                    guard files.count < maximumFiles, files.updateValue(file.bytes, forKey: file.name) == nil else {
                        throw ArchiveError(.damaged, "It has a file that must not be there.")
                    }
                }
                return files
            }
        } catch let error as ArchiveError where error.code != .damaged {
            throw error.commandError
        } catch {
            throw unusable(path, (error as? ArchiveError)?.description ?? "It cannot be decompressed.")
        }
    }

    private static func unusable(_ path: String, _ reason: String) -> CommandError {
        CommandError(
            .failed, "'\(path)' cannot be read as a support bundle. \(reason)",
            nextStep: "Check that it is what 'manage doctor --bundle' wrote, and that all of it was copied.")
    }

    private static func decoded<Part: Decodable>(
        _ type: Part.Type, _ name: String, _ files: [String: [UInt8]]
    ) -> Part? {
        files[name].flatMap { try? JSONDecoder.forOperations.decode(type, from: Data($0)) }
    }

    /// The last lines of the file of warnings and errors; where there is none, those of the running server's messages.
    private static func logLines(_ files: [String: [UInt8]]) -> [String] {
        if let log = files["log/error.log"] { return lastLines(of: log).map { text($0) } }
        guard let messages = files["messages.jsonl"] else { return [] }
        let important = messages.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let record = try? JSONDecoder.forOperations.decode(LogPart.self, from: Data(line))
            return record.flatMap { ["WARNING", "ERROR", "CRITICAL"].contains($0.level) ? $0 : nil }
        }
        return important.suffix(lastLogLines).map { record in
            text("\(record.time) \(record.level) \(record.module): \(record.message)".utf8)
        }
    }

    private static func lastLines(of log: [UInt8]) -> ArraySlice<ArraySlice<UInt8>> {
        log.split(separator: UInt8(ascii: "\n")).suffix(lastLogLines)
    }

    private static func text(_ line: some Collection<UInt8>) -> String {
        String(decoding: line.prefix(maximumLineBytes), as: UTF8.self)
    }
}

/// What a support bundle says of where it was written, as far as it has it.
struct BundleSummary: Encodable, Sendable {
    /// What is read of `database.json`.
    struct Database: Codable, Sendable {
        var engine: String
        var schema: String
        var sizeBytes: Int64
        @Nullable var counts: DatabaseStatus.Counts?
    }

    /// What is read of a server in `nodes.json`.
    struct Node: Codable, Sendable {
        var name: String
        var status: String
        @Nullable var mode: String?
        var clients: Int
    }

    /// The bundle.
    var file: String
    /// The version of the program that wrote it.
    var program: String
    var time: String
    var system: String
    var machine: String
    var processors: Int
    /// The settings that have a value of their own, as `SECTION.KEY`.
    @Nullable var settings: [String]?
    @Nullable var database: Database?
    @Nullable var nodes: [Node]?
    /// The last warnings and errors.
    var log: [String]
    /// Why something is not in the bundle, by its name.
    var missing: [String: String]

    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Bundle", file)
        fields.add("Written", time)
        fields.add("Program", program)
        fields.add("System", "\(system), \(machine), \(processors.counted("processor"))")
        if let settings { fields.add("Settings", settings.isEmpty ? "all defaults" : settings.joined(separator: ", ")) }
        if let database {
            fields.add("Database", "\(database.engine), schema \(database.schema), \(database.sizeBytes) bytes")
            if let counts = database.counts {
                fields.add(
                    "Counts",
                    "\(counts.users.counted("user")), \(counts.flows.counted("flow")), "
                        + counts.messages.counted("message"))
            }
        }
        for node in nodes ?? [] {
            let mode = node.mode.flatMap { $0.utf8.elementsEqual("normal".utf8) ? nil : ", \($0)" } ?? ""
            fields.add("Server", "\(node.name): \(node.status)\(mode), \(node.clients.counted("open connection"))")
        }
        for (name, reason) in missing.sorted(by: { $0.key < $1.key }) { fields.add("Missing", "\(name): \(reason)") }
        var text = fields.text(style: style) + "\n"
        if !log.isEmpty {
            text += "The last warnings and errors of the log:\n"
            text += log.map { "  \($0.escapedForTerminal(lineBreaks: false))\n" }.joined() + "\n"
        }
        return text
    }
}

/// What `doctor --read` prints: what `doctor` printed there, and `bundle` beside it.
struct ReadBundleReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case bundle }

    var doctor: DoctorReport
    var bundle: BundleSummary

    func encode(to encoder: any Encoder) throws {
        try doctor.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(bundle, forKey: .bundle)
    }

    func text(style: TextStyle) -> String { bundle.text(style: style) + doctor.text(style: style) }
}
