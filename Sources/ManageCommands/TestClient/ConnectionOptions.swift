// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings
import TestClient

/// Which server a command of `testclient` talks to.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.customShort("a"), .customLong("address")],
        help: ArgumentHelp(
            "The server's address: ws://… or wss://…, or tcp:// or tls://HOST:PORT. (default: the running server's)",
            valueName: "url"))
    var address: String?

    @OptionGroup var waiting: TimeoutOptions

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp("Trust the authorities in this PEM file, not the machine's.", valueName: "path"),
        completion: .file())
    var authorityFile: String?

    @Flag(name: .customLong("insecure"), help: "Do not check the server's certificate.")
    var isInsecure = false

    @Option(
        name: .customLong("cert-file"),
        help: ArgumentHelp("Show the certificate in this PEM file to the server; needs --key-file.", valueName: "path"),
        completion: .file())
    var certificateFile: String?

    @Option(
        name: .customLong("key-file"),
        help: ArgumentHelp("The private key of --cert-file, a PEM file.", valueName: "path"), completion: .file())
    var keyFile: String?

    func validate() throws {
        if (certificateFile == nil) != (keyFile == nil) {
            throw ValidationError("Please give --cert-file and --key-file together.")
        }
        if isInsecure, authorityFile != nil {
            throw ValidationError("Please give --ca-file or --insecure, not both.")
        }
        if let address {
            do {
                if address.hasPrefix("tcp://") || address.hasPrefix("tls://") {
                    _ = try StreamEndpoint(url: address)
                } else {
                    _ = try ClientAddress(url: address, schemes: ["ws", "wss"])
                }
            } catch {
                throw ValidationError("\(error.description) Please write it like ws://127.0.0.1:8080/ws.")
            }
        }
    }

    var timeout: Duration { waiting.duration }

    /// The address to connect to.
    func url(_ settings: Settings) -> String { address ?? Self.localURL(settings) }

    /// Whether the server is the one that the settings belong to, so that an account of its store may be used.
    func isLocal(_ settings: Settings) -> Bool {
        guard let address else { return true }
        guard let given = try? ClientAddress(url: address), let own = try? ClientAddress(url: Self.localURL(settings))
        else { return false }
        return given == own
    }

    /// Whose certificates are trusted.
    ///
    /// The address of the settings is one of this machine, where no other machine stands in between; its certificate is
    /// for the name that others use.
    func trust(_ settings: Settings) -> TLSTrust {
        if isInsecure { return .anyone }
        if let authorityFile { return .file(Self.fullPath(authorityFile)) }
        return address == nil ? .anyone : .system
    }

    /// How to connect: whom to trust, what to show, how long to wait.
    func clientOptions(_ settings: Settings) -> ClientOptions {
        var options = ClientOptions(trust: trust(settings))
        options.timeout = timeout
        if let certificateFile, let keyFile {
            options.clientCertificate = (Self.fullPath(certificateFile), Self.fullPath(keyFile))
        }
        return options
    }

    private static func fullPath(_ path: String) -> String {
        let folder = CommandContext.current.currentFolder
        return SettingsFile.chosen(option: path, environment: [:], currentFolder: folder).path
    }

    /// The settings with the addresses that the running server has, whatever its file says by now or its options said.
    ///
    /// Without a server that can be asked, and beside an address on the command line, they stay as they are.
    func following(_ settings: Settings) async -> Settings {
        guard address == nil else { return settings }
        let runner = OperationRunner(settings: settings)
        let ask = { @Sendable in try await runner.withServer { try await $0.run(ServerAddresses()) } }
        let report = try? await answered(within: timeout, by: settings.admin.socket, giveUp: {}, ask)
        return settings.following(report?.listeners ?? [])
    }

    static func localURL(_ settings: Settings, path: String = "/ws") -> String {
        let scheme = settings.tls.certificateFile == nil ? "ws" : "wss"
        let host =
            switch settings.server.host {
            case "0.0.0.0": "127.0.0.1"
            case "::", "0:0:0:0:0:0:0:0": "::1"
            case let name: name
            }
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(settings.server.port)\(path)"
    }

    /// Connects around `body`.
    func connect<Value: Sendable>(
        _ settings: Settings, _ body: (ServerConnection) async throws -> Value
    ) async throws -> Value {
        guard address != nil || settings.server.port != 0 else {
            throw CommandError(
                .usage, "SERVER.PORT is 0, so the settings do not say which port the server has.",
                nextStep: "Give its address with -a ws://HOST:PORT/ws.")
        }
        return try await ServerConnection.run(url: url(settings), options: clientOptions(settings), body)
    }
}
