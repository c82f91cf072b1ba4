// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

@testable import ManageCommands
@testable import ParleyServer

/// Which sockets of a service manager are taken, and what they do to the settings.
struct PassedSocketsTests {
    // MARK: Environment

    private func descriptors(
        _ count: String?, _ names: String?, pid: String? = "7"
    ) throws -> [PassedSockets.Name: CInt] {
        var environment: [String: String] = [:]
        environment["LISTEN_PID"] = pid
        environment["LISTEN_FDS"] = count
        environment["LISTEN_FDNAMES"] = names
        return try PassedSockets.descriptors(in: environment, pid: 7)
    }

    private func message(_ count: String?, _ names: String?) -> String? {
        do {
            _ = try descriptors(count, names)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func eachListenerTakesTheSocketOfItsName() throws {
        #expect(try descriptors("1", "server") == [.server: 3])
        #expect(
            try descriptors("5", "metrics:balancer:fastchat:messenger:server")
                == [.metrics: 3, .balancer: 4, .fastchat: 5, .messenger: 6, .server: 7])
        #expect(try descriptors("0", nil) == [:])
        #expect(try descriptors("0", "") == [:])
    }

    @Test(arguments: [nil, "", "8", "-7", "seven", "99999999999999999999"])
    func socketsOfAnotherProcessAreNone(pid: String?) throws {
        #expect(try descriptors("1", "server", pid: pid) == [:])
    }

    @Test func unknownNameSaysWhatToWrite() {
        #expect(
            message("1", "parley.socket")
                == """
                A socket with the name 'parley.socket' was passed, which no listener has. Set FileDescriptorName= of \
                its socket unit to one of server, messenger, fastchat, balancer, metrics.
                """)
        #expect(message("1", "") != nil)
        #expect(message("2", "server:\u{1B}[2J")?.contains("\u{1B}") == false)
    }

    @Test func twoSocketsOfOneNameAreRefused() {
        #expect(message("2", "server:server")?.hasPrefix("Two sockets with the name 'server' were passed. ") == true)
    }

    @Test(
        arguments: [
            ("1", nil), ("2", "server"), ("1", "server:metrics"), ("-1", "server"), ("", "server"), ("x", "server"),
            (nil, "server"), ("99999999999999999999", "server"), ("2147483647", "server"),
        ] as [(String?, String?)])
    func countThatDoesNotMatchTheNamesIsRefused(count: String?, names: String?) {
        #expect(message(count, names)?.hasPrefix("LISTEN_FDS ") == true)
    }

    // MARK: Kinds

    private func withSocket(
        _ domain: CInt, _ type: __socket_type = SOCK_STREAM, listens: Bool = false, _ body: (CInt) throws -> Void
    ) throws {
        let descriptor = socket(domain, CInt(type.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        if listens { try #require(listen(descriptor, 1) == 0) }
        try body(descriptor)
    }

    private func refusal(of descriptor: CInt) -> String? {
        do {
            _ = try PassedSockets.address(of: descriptor, .server)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func listeningSocketTellsItsAddress() throws {
        try withSocket(AF_INET, listens: true) { descriptor in
            // One that was not bound listens everywhere, on a port that the system chooses.
            let address = try PassedSockets.address(of: descriptor, .server)
            #expect(address.host == "0.0.0.0")
            #expect(address.port > 0)
        }
    }

    @Test func whatDoesNotListenForTCPIsRefused() throws {
        try withSocket(AF_INET) {
            #expect(refusal(of: $0) == "The socket 'server' that was passed does not listen.")
        }
        try withSocket(AF_INET, SOCK_DGRAM) {
            #expect(refusal(of: $0) == "The socket 'server' that was passed is not of TCP.")
        }
        try withSocket(AF_UNIX) {
            #expect(refusal(of: $0) == "The socket 'server' that was passed is a Unix socket, which is not served.")
        }
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(refusal(of: file) == "The socket 'server' that was passed is no socket.")
        #expect(refusal(of: -1) == "The socket 'server' that was passed is no socket.")
    }

    // MARK: Settings

    private func settings(_ environment: [String: String], _ overrides: [SettingKey: String] = [:]) throws -> Settings {
        try Settings.load(environment: environment, overrides: overrides, currentFolder: "/nonexistent")
    }

    private func sockets(_ addresses: [PassedSockets.Name: NetworkAddress]) -> PassedSockets {
        PassedSockets(addresses.mapValues { PassedSockets.Passed(descriptor: -1, address: $0) })
    }

    @Test func addressesOfTheSocketsGoBeforeTheSettings() throws {
        let passed = sockets([
            .server: NetworkAddress(host: "0.0.0.0", port: 443), .messenger: NetworkAddress(host: "::1", port: 5),
            .fastchat: NetworkAddress(host: "127.0.0.1", port: 6), .balancer: NetworkAddress(host: "::", port: 7),
            .metrics: NetworkAddress(host: "10.0.0.1", port: 8),
        ])

        let (values, warnings) = passed.overrides(of: try settings([:]))
        let result = try settings([:], values)

        #expect(result.server.host == "0.0.0.0")
        #expect(result.server.port == 443)
        #expect(result.messenger.address == NetworkAddress(host: "::1", port: 5))
        #expect(result.fastChat.address == NetworkAddress(host: "127.0.0.1", port: 6))
        #expect(result.balancer.listen == NetworkAddress(host: "::", port: 7))
        #expect(result.metrics.address == NetworkAddress(host: "10.0.0.1", port: 8))
        #expect(!result.metrics.isOptional)
        // What the settings do not say is no difference.
        #expect(warnings.count == 3)
        #expect(
            warnings.first
                == """
                The socket 'server' that was passed listens on 0.0.0.0:443, and [SERVER], or --host and --port, say \
                127.0.0.1:8080: the socket counts. Write its address into the settings, or change its socket unit.
                """)
        #expect(throws: Never.self) { try passed.checkServed(by: result) }
    }

    @Test(
        arguments: [
            ("127.0.0.1", "8080", "127.0.0.1"), ("127.0.0.1", "0", "127.0.0.1"), ("0.0.0.0", "8080", "::"),
            ("chat.example.org", "8080", "192.0.2.1"), ("chat.example.org", "8080", "::"),
            ("localhost", "8080", "::1"),
        ])
    func hostThatCanBeToldStays(host: String, port: String, socket: String) throws {
        let written = try settings(["PARLEY_SERVER_HOST": host, "PARLEY_SERVER_PORT": port])

        let (values, warnings) = sockets([.server: NetworkAddress(host: socket, port: 8080)]).overrides(of: written)

        #expect(values == [.serverHost: host, .serverPort: "8080"])
        #expect(warnings == [])
    }

    /// The settings of this machine alone allow what is not safe on a network.
    @Test(arguments: ["127.0.0.1", "localhost", "::1"])
    func localHostDoesNotStandForASocketThatOthersReach(host: String) throws {
        let written = try settings(["PARLEY_SERVER_HOST": host])
        let passed = sockets([
            .server: NetworkAddress(host: "::", port: 8080), .messenger: NetworkAddress(host: "::", port: 54321),
        ])

        let (values, warnings) = passed.overrides(of: written)
        let result = try settings(["PARLEY_SERVER_HOST": host], values)

        #expect(warnings.count == 2)
        #expect(result.server.host == "::")
        #expect(!result.messenger.isEnabled)
        let error = #expect(throws: CommandError.self) { try passed.checkServed(by: result) }
        #expect(error?.status == .settings)
        #expect(error?.nextStep == "Set [MESSENGER] ENABLED to on, or disable the socket unit.")
    }
}
