// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Logging
import ParleyServer
import ServiceLifecycle
import Settings
import Storage
import Telemetry
import Transport
import UnixSignals
import Web

/// Runs the server in this process: log, the words at the start, starting again.
enum ServerRunner {
    /// Serves until a signal, the last request that is allowed, or a changed file ends it.
    ///
    /// - Throws: `CommandError`, or an error that becomes one.
    static func run(
        settings: Settings, file: SettingsFile, options: RunOptions, sockets: PassedSockets, context: CommandContext,
        reload: @escaping @Sendable () throws -> Settings
    ) async throws {
        let sink = try Telemetry.bootstrap(
            logConfiguration(for: settings, options: options, environment: context.environment))
        let logger = Logger(label: "parley")
        OpenFiles.raiseLimit(logger: logger)
        // A file that reaches a limit of its size fails to grow, like on a full disk, instead of ending the process.
        signal(SIGXFSZ, SIG_IGN)
        let watch =
            options.reloads
            ? FileWatch(settings: settings, logger: logger) { startProblem(options, reload) } : nil
        try await serve(settings, file, options, sockets, context, sink, logger, watch, load: reload)
        if let watch, watch.hasChanged {
            logger.info("Starting again: a watched file has changed")
            sockets.passOn()
            try watch.startAgain()
        }
        logger.info("The server has stopped")
    }

    private static func serve(
        _ settings: Settings, _ file: SettingsFile, _ options: RunOptions, _ sockets: PassedSockets,
        _ context: CommandContext, _ sink: LogSink, _ logger: Logger, _ watch: FileWatch?,
        load: @escaping @Sendable () throws -> Settings
    ) async throws {
        let claim = await AdminSocketClaim.make(settings)
        defer { withExtendedLifetime(claim) {} }
        var serverOptions = serverOptions(options, settings: settings, context)
        serverOptions.logSink = sink
        serverOptions.sockets = sockets
        if !sockets.names.isEmpty {
            logger.info("Sockets were passed by the service manager", metadata: ["sockets": "\(sockets)"])
        }
        let (reloadRequests, reload) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        serverOptions.reloadRequests = reloadRequests
        serverOptions.settingsSource = SettingsReloader.Source(
            file: file, load: load,
            logConfiguration: { logConfiguration(for: $0, options: options, environment: context.environment) },
            tlsOptions: { options.tlsOptions(for: $0) })
        // Who changes files waits for the next start.
        let server = try await open(options.reloads ? settings.stoppingAtOnce : settings, serverOptions, logger)
        try await run(logger: logger, reload: reload, close: server.close) { stop in
            let services = try await server.services(stop: stop) { addresses in
                logger.info("The server is running", metadata: ["addresses": "\(addresses.map(\.address))"])
                if options.mode != .normal {
                    logger.warning("The server is restricted", metadata: ["mode": "\(options.mode.rawValue)"])
                }
                // What people are to read comes last.
                Telemetry.flush(timeout: .seconds(1))
                announce(addresses, settings: settings, options: options, sockets: sockets, context: context)
            }
            return services + (watch.map { [.ending($0)] } ?? [])
        }
    }

    /// Runs services as one group until one of them asks for the end, or a signal does.
    ///
    /// From here on a signal is an orderly end; before, it ends the process as it does any command. With `reload`
    /// SIGHUP asks for the settings to be read again.
    ///
    /// - Throws: What `services` throws, or one of them.
    static func run(
        logger: Logger, reload: AsyncStream<Void>.Continuation? = nil, close: () async -> Void,
        _ services: (StopRequest) async throws -> [ServiceGroupConfiguration.ServiceConfiguration]
    ) async throws {
        let stop = StopRequest()
        let terminal = ControllingTerminal()
        let trapped: [UnixSignal] = reload == nil ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
        let signals = SignalService(
            signals: await UnixSignalsSequence(trapping: trapped), stop: stop, reload: reload, terminal: terminal,
            logger: logger)
        do {
            // The signals come first, to be heard until everything else has stopped.
            let all = [.init(service: signals)] + (try await services(stop)) + [.ending(stop)]
            try await ServiceGroup(configuration: .init(services: all, logger: logger)).run()
        } catch {
            await close()
            throw error
        }
    }

    /// Why the server could not start with the files as they are now.
    private static func startProblem(_ options: RunOptions, _ reload: () throws -> Settings) -> String? {
        do {
            let settings = try reload()
            _ = try options.tlsOptions(for: settings)?.makeConfiguration()
            try WebService.checkTemplates(in: settings.templatesFolder)
            return nil
        } catch {
            return CommandError(reporting: error)?.description ?? "The files cannot be read."
        }
    }

    private static func open(
        _ settings: Settings, _ options: ParleyServer.Options, _ logger: Logger
    ) async throws -> ParleyServer {
        do {
            return try await ParleyServer(opening: settings, options: options, logger: logger)
        } catch let error as StorageError where error.code == .unavailable {
            // A file is always reachable: another process has it, and may be done with it soon.
            guard case .sqlite = settings.database.location else { throw error }
            throw CommandError(.busy, error.message)
        }
    }

    private static func serverOptions(
        _ options: RunOptions, settings: Settings, _ context: CommandContext
    ) -> ParleyServer.Options {
        var server = ParleyServer.Options(version: context.version)
        server.backlog = options.backlog
        server.keepAliveTimeout = options.keepAliveTimeout
        server.maximumConcurrency = options.limitConcurrency
        server.maximumRequests = options.limitMaxRequests
        server.tls = options.tlsOptions(for: settings)
        server.servesWebSockets = options.servesWebSockets
        server.mode = options.mode
        server.stopTimeout = .seconds(10)
        server.serviceManager = ServiceManager(environment: context.environment)
        return server
    }

    private static func announce(
        _ addresses: [ParleyServer.Address], settings: Settings, options: RunOptions, sockets: PassedSockets,
        context: CommandContext
    ) {
        let width = addresses.map(\.name.count).max() ?? 0
        var text = "Parley \(context.version) is running:\n"
        for address in addresses {
            let padding = String(repeating: " ", count: width - address.name.count)
            text += "  \(address.name)\(padding)  \(address.address)\n"
        }
        if !sockets.names.isEmpty { text += "Sockets of the service manager: \(sockets).\n" }
        if let restriction = options.mode.restriction {
            text += restriction + "\n"
        } else {
            for note in settings.protocolNotes { text += note + "\n" }
            text += settings.registrationReason + "\n"
        }
        if options.servesWebSockets, options.mode == .normal {
            text += "Try it from another terminal: \(trial(settings, options, context))\n"
        }
        // A closed stdout has no reader; the server runs all the same.
        try? context.standardOutput.write(text)
    }
}

extension ServerRunner {
    /// The health check as a command line for this very server.
    private static func trial(_ settings: Settings, _ options: RunOptions, _ context: CommandContext) -> String {
        // The launcher says under which name it was called.
        let program = context.environment["MANAGE_COMMAND"] ?? CommandLine.arguments.first ?? "manage"
        var words = [program, "testclient", "send"]
        if let file = settings.file, file != "\(context.currentFolder)/config.ini" { words += ["--config", file] }
        if options.tlsOptions(for: settings)?.clientCertificate == .required {
            words += ["--cert-file", "PATH", "--key-file", "PATH"]
        }
        return words.map(\.quotedForShell).joined(separator: " ")
    }
}

extension Settings {
    /// The same without what makes a stop take longer.
    fileprivate var stoppingAtOnce: Settings {
        var settings = self
        settings.server.stopDelay = .zero
        settings.server.stopSpread = .zero
        return settings
    }
}

extension ServiceMode {
    /// What people are to know when not everything is served.
    fileprivate var restriction: String? {
        switch self {
        case .normal: nil
        case .readOnly: "Read-only: people log in and read, and nothing that they send is taken."
        case .maintenance: "Maintenance: administrators only, no clients are served."
        }
    }
}

extension String {
    /// The text as one word of a shell's command line.
    fileprivate var quotedForShell: String {
        let isPlain = utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-._/~:=@%+,".utf8.contains(byte)
            }
        }
        return isPlain && !isEmpty ? self : "'\(replacing("'", with: "'\\''"))'"
    }
}

/// The limit of open files: every connection is one.
enum OpenFiles {
    /// Raises the soft limit to the hard one, as far as it makes sense.
    static func raiseLimit(logger: Logger) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        let wanted = min(limit.rlim_max, 1 << 20)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = wanted
        if setrlimit(resource, &limit) != 0 {
            logger.warning("The limit of open files could not be raised", metadata: ["limit": "\(limit.rlim_cur)"])
        }
    }
}

extension ListenerError: CommandErrorConvertible {
    /// Ends with 69 for an address that cannot be had, with 78 for one that is wrong.
    var commandError: CommandError {
        switch code {
        case .addressInUse, .failed: CommandError(.unavailable, message)
        case .notAllowed, .addressNotAvailable: CommandError(.settings, message)
        }
    }
}

extension TemplateError: CommandErrorConvertible {
    /// Ends with 78; the words name file and line.
    var commandError: CommandError { CommandError(.settings, description) }
}
