// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Chat
import Logging
import Operations
import ParleyServer
import Settings
import Telemetry

extension Manage {
    /// `balancer`: sends FastChat clients to servers.
    struct Balancer: AsyncParsableCommand {
        /// How a server is chosen, without the blanks of the setting.
        enum Word: String, ExpressibleByArgument, CaseIterable {
            case roundRobin = "round-robin"
            case minimumConnect = "minimum-connect"
            case random

            var setting: String { rawValue.replacing("-", with: " ") }
        }

        static let configuration = CommandConfiguration(
            abstract: "Run the balancer of FastChat clients alone, until it is told to stop.",
            discussion: """
                Names each client that connects a server of those that 'manage node list'
                shows, signed with the key that all of them share; it needs their database
                and their key file, [SECRETS] KEY_FILE. A server opens the same by itself
                when [BALANCER] LISTEN is set: that is the way with SQLite, which one process
                has to itself.

                Examples:
                  manage balancer
                  manage balancer --listen 0.0.0.0:9000
                  manage balancer --algorithm round-robin
                """
        )

        @Option(
            help: ArgumentHelp(
                "Where to listen. (default: BALANCER.LISTEN, or port 9000 of SERVER.HOST)", valueName: "host:port"))
        var listen: String?

        @Option(help: ArgumentHelp("How a server is chosen. (default: BALANCER.ALGORITHM)", valueName: "how"))
        var algorithm: Word?

        @OptionGroup(title: "Configuration Options") var settings: SettingsOptions

        func validate() throws {
            guard let listen else { return }
            do {
                _ = try SettingKey.balancerListen.kind.parse(listen, folder: "/")
            } catch {
                throw ValidationError("--listen \(listen.quotedForDisplay()) \(error.problem). \(error.remedy)")
            }
        }

        func run() async throws {
            var overrides: [SettingKey: String] = [:]
            overrides[.balancerListen] = listen
            overrides[.balancerAlgorithm] = algorithm?.setting
            let context = CommandContext.current
            let loaded = try settings.load(overrides: overrides, output: try OutputOptions.parse([]))
            try Telemetry.bootstrap(
                logConfiguration(for: loaded, options: try RunOptions.parse([]), environment: context.environment))
            let logger = Logger(label: "parley.balancer")
            OpenFiles.raiseLimit(logger: logger)
            let store = try await store(loaded, logger: logger)
            let balancer = BalancerServer(store: store, settings: loaded, logger: logger)
            do {
                try await serve(balancer, logger: logger, context: context)
            } catch let error as ChatError {
                throw CommandError(
                    .settings, "The balancer's key cannot be used: \(OperationError(error).message)",
                    nextStep: "Give [SECRETS] KEY_FILE the file that the servers have, not '\(loaded.secrets.keyFile)'."
                )
            }
            logger.info("The balancer has stopped")
        }

        private func serve(_ balancer: BalancerServer, logger: Logger, context: CommandContext) async throws {
            try await ServerRunner.run(logger: logger, close: balancer.close) { _ in
                try await balancer.services { address in
                    // A closed stdout has no reader; the balancer runs all the same.
                    try? context.standardOutput.write(
                        "The balancer is running:\n  \(address.name)  \(address.address)\n")
                    logger.info("The balancer is running", metadata: ["address": "\(address.address)"])
                }
            }
        }

        private func store(_ settings: Settings, logger: Logger) async throws(CommandError) -> Store {
            do {
                return try await StoreAccess(settings: settings).open(logger: logger)
            } catch {
                guard case .sqlite(let path) = settings.database.location, error.status == .busy else { throw error }
                throw CommandError(
                    .busy, "The database '\(path)' belongs to a running server or another command.",
                    nextStep: "Set [BALANCER] LISTEN: the server opens the balancer itself then.")
            }
        }
    }
}
