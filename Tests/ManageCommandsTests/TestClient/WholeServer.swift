// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import ParleyServer
import ServiceLifecycle
import Settings
import Telemetry

/// A server with all protocols and its admin socket, on free ports, in a test's folder.
enum WholeServer {
    struct NotRunning: Error {}

    /// What every test of it sets: free ports, and hashing that costs little.
    private static let settings: [String: String] = [
        "PARLEY_SERVER_PORT": "0", "PARLEY_MESSENGER_PORT": "0", "PARLEY_FASTCHAT_PORT": "0",
        "PARLEY_METRICS_LISTEN": "127.0.0.1:0",
        "PARLEY_HASH_SIZE_ARGON2_MEMORY": "1 MiB", "PARLEY_HASH_SIZE_ARGON2_ITERATIONS": "1",
    ]

    /// Serves around `body`, which gets the environment that leads commands to it; `onReload` is told when it is to
    /// read its settings again.
    static func during(
        _ run: CommandRun, setting more: [String: String] = [:], onReload: @escaping @Sendable () -> Void = {},
        _ body: @escaping ([String: String]) async throws -> Void
    ) async throws {
        let environment = settings.merging(more) { $1 }
        let loaded = try Settings.load(
            file: nil, environment: environment, overrides: [:], currentFolder: run.folder)
        let folder = run.folder
        let logger = Logger(label: "server") { _ in SwiftLogNoOpLogHandler() }
        var options = ParleyServer.Options(version: "9.8.7")
        options.logSink = try LogSink(LogConfiguration())
        options.settingsSource = SettingsReloader.Source(
            file: SettingsFile(path: run.path("config.ini"), choice: .option),
            load: {
                onReload()
                return try Settings.load(
                    file: nil, environment: environment, overrides: [:], currentFolder: folder)
            }, logConfiguration: { _ in LogConfiguration() }, tlsOptions: { _ in nil })
        let server = try await ParleyServer(opening: loaded, options: options, logger: logger)
        let (starts, started) = AsyncStream.makeStream(of: [ParleyServer.Address].self)
        let stop = StopRequest()
        let services = try await server.services(stop: stop) { started.yield($0) } + [.ending(stop)]
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { started.finish() }
                do {
                    try await ServiceGroup(configuration: .init(services: services, logger: logger)).run()
                } catch {
                    await server.close()
                    throw error
                }
            }
            guard let addresses = await starts.first(where: { _ in true }) else { throw NotRunning() }
            let result: Result<Void, any Error>
            do {
                try await body(environment.merging(ports(of: addresses)) { $1 })
                result = .success(())
            } catch {
                result = .failure(error)
            }
            stop.begin()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    private static func ports(of addresses: [ParleyServer.Address]) -> [String: String] {
        var ports: [String: String] = [:]
        for (name, address) in addresses {
            if name == "Balancer" { ports["PARLEY_BALANCER_LISTEN"] = String(address.drop { !$0.isNumber }) }
            let variables = ["MTP": "SERVER", "messenger": "MESSENGER", "FastChat": "FASTCHAT"]
            guard let section = variables[name], let colon = address.lastIndex(of: ":") else { continue }
            ports["PARLEY_\(section)_PORT"] = String(address[address.index(after: colon)...].prefix { $0.isNumber })
        }
        return ports
    }
}
