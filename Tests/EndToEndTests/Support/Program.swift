// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

/// The built `manage` with a folder, settings and processes of one test's own.
final class Program: Sendable {
    /// How a command ended.
    struct Result: Sendable {
        var ending: ChildProcess.Ending
        var output: String
        var errors: String

        /// The lines on standard error that tell why it failed.
        var errorLines: [Substring] { errors.split(separator: "\n").filter { $0.hasPrefix("Error: ") } }

        /// Expects that a start that was refused took nothing back: no listener, no banner, nothing that was cancelled.
        func expectNothingWasAnnounced() {
            for word in ["listening", "Metrics are served", "CancellationError", "is running"] {
                #expect(!(output + errors).contains(word), "\(errors)")
            }
        }
    }

    let folder: String
    private let children = Mutex<[ChildProcess]>([])
    private let variables: Mutex<[String: String]>
    /// Each server takes memory and a core: a few tests at a time have some.
    private static let turnstile = Turnstile(places: 4)

    /// Argon2id at its smallest: these tests are not about the cost of guessing.
    private static let settings = [
        "PARLEY_SERVER_PORT": "0", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
        "PARLEY_METRICS_LISTEN": "127.0.0.1:0", "PARLEY_HASH_SIZE_ARGON2_MEMORY": "8 KiB",
        "PARLEY_HASH_SIZE_ARGON2_ITERATIONS": "1",
    ]

    private init(folder: String) {
        self.folder = folder
        var variables: [String: String] = [:]
        // The last two are for a program that was built with a sanitizer.
        for name in ["PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "TSAN_OPTIONS", "ASAN_OPTIONS"] {
            variables[name] = getenv(name).map { String(cString: $0) }
        }
        self.variables = Mutex(variables.merging(Self.settings) { $1 })
    }

    /// Runs `body` with a folder that has an empty settings file, then ends what it started and removes the folder.
    static func with(_ body: (Program) async throws -> Void) async throws {
        await turnstile.enter()
        defer { turnstile.leave() }
        var template = Array("/tmp/parley-program-XXXXXX".utf8CString)
        guard let name = mkdtemp(&template) else { throw ChildProcess.Failure(description: "no folder: \(errno)") }
        let program = Program(folder: String(cString: name))
        let result: Swift.Result<Void, any Error>
        do {
            try program.write("", to: "config.ini")
            // A test that takes too long is cancelled: what it waits for ends with the processes.
            result = .success(
                try await withTaskCancellationHandler {
                    try await body(program)
                } onCancel: {
                    program.killAll()
                })
        } catch {
            result = .failure(error)
        }
        program.killAll()
        for child in program.children.withLock({ $0 }) { _ = await child.ended() }
        try? FileManager.default.removeItem(atPath: program.folder)
        try result.get()
    }

    /// Where the program is: `PARLEY_TEST_BINARY`, else beside the tests.
    static let path: String = {
        if let named = getenv("PARLEY_TEST_BINARY") { return String(cString: named) }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/manage"
    }()

    /// The environment of what is started from now on.
    subscript(variable: String) -> String? {
        get { variables.withLock { $0[variable] } }
        set { variables.withLock { $0[variable] = newValue } }
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ text: String, to name: String, mode: Int = 0o644) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path(name))), as: UTF8.self)
    }

    /// The names in a folder; none when there is no such folder.
    func names(in name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? []).sorted()
    }

    /// Starts any program in the folder.
    func start(_ words: [String], input: String = "") async throws -> ChildProcess {
        let child = try await ChildProcess.start(
            words, input: input, environment: variables.withLock { $0 }, folder: folder)
        children.withLock { $0.append(child) }
        return child
    }

    /// Runs any program in the folder to its end.
    func run(_ words: [String], input: String = "") async throws -> Result {
        let child = try await start(words, input: input)
        let ending = await child.ended()
        return Result(ending: ending, output: child.output.text, errors: child.errors.text)
    }

    /// Runs a command of `manage` to its end.
    func manage(_ words: String..., input: String = "") async throws -> Result {
        try await run([Self.path] + words, input: input)
    }

    /// Starts `manage runserver` and waits until it serves.
    ///
    /// `tracer` stands before the program's name.
    func startServer(_ options: String..., tracer: [String] = []) async throws -> RunningServer {
        try await startServer(options, tracer: tracer)
    }

    private func startServer(_ options: [String], tracer: [String]) async throws -> RunningServer {
        let child = try await start(tracer + [Self.path, "runserver"] + options)
        return try await RunningServer(child)
    }

    /// Starts a server on a port that is known before, and keeps the port in the settings of later commands.
    ///
    /// `everyProtocol` is for those with a port of their own, too.
    func startServerOnKnownPort(_ options: String..., everyProtocol: Bool = false) async throws -> RunningServer {
        // Below the range from which the system gives ports to others; what else listens there is passed by.
        for _ in 0..<20 {
            for section in everyProtocol ? ["SERVER", "MESSENGER", "FASTCHAT"] : ["SERVER"] {
                self["PARLEY_\(section)_PORT"] = String(Int.random(in: 15_000..<32_000))
            }
            do {
                return try await startServer(options, tracer: [])
            } catch RunningServer.StartFailure.ended(.exited(69), _) {
                continue
            }
        }
        throw ChildProcess.Failure(description: "no port is free")
    }

    private func killAll() {
        for child in children.withLock({ $0 }) { child.send(SIGKILL) }
    }
}

/// A server that serves.
struct RunningServer: Sendable {
    enum StartFailure: Error {
        case ended(ChildProcess.Ending, words: String)
    }

    let process: ChildProcess
    /// The address of the pages, such as `http://127.0.0.1:41234/`.
    let httpURL: String

    init(_ process: ChildProcess) async throws {
        self.process = process
        guard let url = await Self.announced("Home page", process, from: 0) else {
            throw StartFailure.ended(await process.ended(), words: process.errors.text)
        }
        httpURL = url
    }

    /// The address that the server announces for a name; `nil` when it ends before.
    static func announced(_ name: String, _ process: ChildProcess, from line: Int) async -> String? {
        await process.output.line(from: line) { $0.hasPrefix("  \(name) ") }?
            .split(separator: " ").last.map(String.init)
    }

    /// The address that the server announced for one of its protocols, by its name for people.
    func address(of name: String) async -> String? {
        await Self.announced(name, process, from: 0)
    }

    /// The address of MTP, such as `ws://127.0.0.1:41234/ws`.
    var url: String { "ws" + httpURL.dropFirst(4) + "ws" }

    /// Ends the server as an operator does, and insists that it ends well.
    func stop() async {
        process.send(SIGTERM)
        let ending = await process.ended()
        #expect(ending == .exited(0), "\(process.errors.text)")
    }

    /// Waits until the server has said that it stops.
    func isStopping() async -> Bool {
        await process.errors.line { $0.contains("Stopping;") } != nil
    }
}
