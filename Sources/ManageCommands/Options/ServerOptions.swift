// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bounds
import Settings
import TestClient

/// On which server a command works: this machine's, or another one through its HTTP API.
struct ServerOptions: ParsableArguments {
    static let example = "Write it like https://chat.example.org."

    @Option(
        help: ArgumentHelp(
            "Work on the server at this address, through its HTTP API. (default: \(ClientVariables.server), or this "
                + "machine)",
            valueName: "url"))
    var server: String?

    @Option(
        name: .customLong("token-file"),
        help: ArgumentHelp(
            "The file with a token for --server. (default: \(ClientVariables.tokenFile))", valueName: "path"),
        completion: .file())
    var tokenFile: String?

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp("Trust the authorities in this PEM file, not the machine's.", valueName: "path"),
        completion: .file())
    var authorityFile: String?

    @Flag(
        name: .customLong("insecure-http"),
        help: "Send the token in clear to an http:// address of another machine.")
    var allowsClear = false

    /// The server that is meant; `nil` for this machine's.
    ///
    /// - Throws: `CommandError`.
    func chosen() throws(CommandError) -> RemoteServer? {
        let environment = CommandContext.current.environment
        guard let url = server ?? environment[ClientVariables.server], server != nil || !url.isEmpty else {
            if tokenFile != nil || authorityFile != nil || allowsClear {
                throw CommandError(
                    .usage, "--token-file, --ca-file and --insecure-http are for the server of --server.",
                    nextStep: "Add --server URL, or set \(ClientVariables.server).")
            }
            return nil
        }
        let address = try Self.address(url)
        guard address.isSecure || allowsClear || Self.isLoopback(address.host) else {
            throw CommandError(
                .usage, "The token would go to '\(url)' in clear, where others can read it.",
                nextStep: "Write https://, or add --insecure-http in a network that you trust.")
        }
        guard let path = tokenFile ?? environment[ClientVariables.tokenFile], !path.isEmpty else {
            throw CommandError(
                .usage, "A token is needed for '\(url)'.",
                nextStep: "Put one of 'manage token create' into a file, and add --token-file PATH.")
        }
        let folder = CommandContext.current.currentFolder
        return RemoteServer(
            url: "\(address.isSecure ? "https" : "http")://\(address.authority)", token: try TokenFile.token(at: path),
            trust: authorityFile.map { .file(SettingsFile.absolute($0, folder: folder)) } ?? .system)
    }

    private static func address(_ url: String) throws(CommandError) -> ClientAddress {
        let address: ClientAddress
        do {
            address = try ClientAddress(url: url, schemes: ["http", "https"])
        } catch {
            throw CommandError(.usage, error.description, nextStep: example)
        }
        guard address.path == "/" else {
            throw CommandError(.usage, "The address '\(url)' has a path.", nextStep: example)
        }
        return address
    }

    /// Whether what is sent there stays on this machine; names are not looked up.
    private static func isLoopback(_ host: String) -> Bool {
        host.lowercased() == "localhost" || IPAddress(host)?.isLoopback == true
    }
}
