// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

struct ProtocolSettingsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ file: String, overrides: [SettingKey: String] = [:]) throws -> Settings {
        try folder.write(file, to: "config.ini")
        return try Settings.load(environment: [:], overrides: overrides, currentFolder: folder.path)
    }

    private func failure(_ file: String) throws -> SettingsError {
        try #require(throws: SettingsError.self) { try load(file) }
    }

    @Test func everyProtocolIsOnByDefault() throws {
        let settings = try load("")

        #expect(settings.server.name == "Parley")
        #expect(settings.skaro.isEnabled)
        #expect(settings.skaro.restoreTime == .seconds(300))
        #expect(settings.messenger.isEnabled)
        #expect(settings.messenger.address == NetworkAddress(host: "127.0.0.1", port: 54321))
        #expect(settings.messenger.gatherTime == .milliseconds(20))
        #expect(settings.messenger.spacing == .milliseconds(50))
        #expect(!settings.messenger.allowsKeyOnAnyConnection)
        #expect(settings.messenger.maximumBytes == 65536)
        #expect(!settings.messenger.usesTLS)
        #expect(settings.fastChat.isEnabled)
        #expect(settings.fastChat.address == NetworkAddress(host: "127.0.0.1", port: 8010))
        #expect(settings.fastChat.advertise == nil)
        #expect(settings.fastChat.isBridged)
        #expect(settings.fastChat.spacing == .milliseconds(50))
        #expect(!settings.fastChat.usesTLS)
        #expect(settings.balancer.listen == nil)
        #expect(settings.balancer.algorithm == .minimumConnect)
        #expect(settings.presence.isEnabled)
        #expect(settings.presence.mergeTime == .seconds(1))
        #expect(settings.presence.perMinute == 20)
        #expect(settings.limits.backlog == 1000)
        #expect(settings.secrets.keyFile == "\(folder.path)/run/secret.key")
    }

    @Test func everyKeyOfTheProtocolsIsTakenFromTheFile() throws {
        let settings = try load(
            """
            [SERVER]
            NAME = Café Nord
            [SKARO]
            ENABLED = off
            RESTORE_SECONDS = 7
            [MESSENGER]
            ENABLED = off
            HOST = ::1
            PORT = 1
            GATHER_MS = 2
            SPACING_MS = 3
            KEY_ANY_CONNECTION = on
            MAX_BYTES = 4 KiB
            TLS = on
            [FASTCHAT]
            ENABLED = off
            HOST = 10.0.0.1
            PORT = 5
            ADVERTISE = chat.example:6
            BRIDGE = off
            SPACING_MS = 0
            TLS = on
            [BALANCER]
            LISTEN = [::1]:9000
            ALGORITHM = Round Robin
            [PRESENCE]
            ENABLED = off
            MERGE_MS = 8
            PER_MINUTE = 9
            [SERVER_LIMIT]
            BACKLOG = 0
            [SECRETS]
            KEY_FILE = /keys/a.key
            [CLUSTER]
            NODE = north-1
            [TLS]
            KEY_FILE = key.pem
            CERT_FILE = cert.pem

            """)

        #expect(settings.server.name == "Café Nord")
        #expect(!settings.skaro.isEnabled)
        #expect(settings.skaro.restoreTime == .seconds(7))
        #expect(!settings.messenger.isEnabled)
        #expect(settings.messenger.address == NetworkAddress(host: "::1", port: 1))
        #expect(settings.messenger.gatherTime == .milliseconds(2))
        #expect(settings.messenger.spacing == .milliseconds(3))
        #expect(settings.messenger.allowsKeyOnAnyConnection)
        #expect(settings.messenger.maximumBytes == 4096)
        #expect(settings.messenger.usesTLS)
        #expect(!settings.fastChat.isEnabled)
        #expect(settings.fastChat.address == NetworkAddress(host: "10.0.0.1", port: 5))
        #expect(settings.fastChat.advertise == NetworkAddress(host: "chat.example", port: 6))
        #expect(!settings.fastChat.isBridged)
        #expect(settings.fastChat.spacing == .zero)
        #expect(settings.fastChat.usesTLS)
        #expect(settings.balancer.listen == NetworkAddress(host: "::1", port: 9000))
        #expect(settings.balancer.algorithm == .roundRobin)
        #expect(!settings.presence.isEnabled)
        #expect(settings.presence.mergeTime == .milliseconds(8))
        #expect(settings.presence.perMinute == 9)
        #expect(settings.limits.backlog == 0)
        #expect(settings.secrets.keyFile == "/keys/a.key")
        #expect(settings.cluster.node == "north-1")
        #expect(settings.findings.isEmpty)
    }

    @Test func protocolsListenWhereTheServerDoesUnlessTheySayOtherwise() throws {
        let settings = try load("[FASTCHAT]\nHOST = 127.0.0.2\n", overrides: [.serverHost: "10.1.2.3"])

        #expect(settings.messenger.address.host == "10.1.2.3")
        #expect(settings.fastChat.address.host == "127.0.0.2")
    }

    @Test func nodeIsCalledLikeTheMachineUnlessItSaysOtherwise() throws {
        var buffer = [CChar](repeating: 0, count: 256)
        try #require(gethostname(&buffer, 255) == 0)
        let hostName = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)

        #expect(try load("").cluster.node == String(hostName.prefix(64)))
    }

    @Test func advertisedAddressIsTheListenersUnlessNobodyCanConnectToThat() throws {
        let loopback = try load("").fastChat
        let wildcard = try load("[FASTCHAT]\nHOST = 0.0.0.0\n").fastChat
        let given = try load("[FASTCHAT]\nHOST = ::\nADVERTISE = chat.example:80\n").fastChat

        #expect(loopback.advertisedAddress(boundPort: 4711) == NetworkAddress(host: "127.0.0.1", port: 4711))
        #expect(wildcard.advertisedAddress(boundPort: 4711) == nil)
        #expect(given.advertisedAddress(boundPort: 4711) == NetworkAddress(host: "chat.example", port: 80))
    }

    @Test(arguments: [
        ("[MESSENGER]\nHOST = 0.0.0.0\n", "0.0.0.0"), ("[FASTCHAT]\nHOST = 192.168.0.4\n", "192.168.0.4"),
    ]) func registrationIsClosedWhenOthersReachAnyProtocol(file: String, host: String) throws {
        let reachable = try load(file + "ENABLED = on\n")
        let switchedOff = try load(file + "ENABLED = off\n")

        #expect(reachable.effectiveRegistrationMode == .closed)
        #expect(reachable.registrationReason.contains("listens on \(host), which others can reach"))
        #expect(switchedOff.effectiveRegistrationMode == .open)
        #expect(switchedOff.registrationReason.contains("127.0.0.1 only"))
    }

    @Test(arguments: [
        ("open", Settings.RegistrationMode.open, "is open"), ("Invite", .invite, "needs an invitation"),
        ("closed", .closed, "is closed"),
    ]) func registrationModeIsTakenFromTheFile(word: String, mode: Settings.RegistrationMode, reason: String) throws {
        let settings = try load("[REGISTRATION]\nMODE = \(word)\n")

        #expect(settings.effectiveRegistrationMode == mode)
        #expect(settings.registrationReason.contains(reason))
    }

    @Test func unknownRegistrationModeIsAnsweredWithTheWords() throws {
        #expect(try failure("[REGISTRATION]\nMODE = all\n").description.contains("Write open, invite or closed."))
    }

    @Test func tokenLivesOneSecondAtLeast() throws {
        #expect(try load("[SESSION]\nTOKEN_TTL = 1\n").tokenTTL == .seconds(1))
        #expect(try failure("[SESSION]\nTOKEN_TTL = 999ms\n").findings.map(\.key) == ["SESSION.TOKEN_TTL"])
    }

    @Test(arguments: [
        ("[MESSENGER]\nTLS = on\n", "MESSENGER.TLS"), ("[FASTCHAT]\nTLS = yes\n", "FASTCHAT.TLS"),
        ("[FASTCHAT]\nADVERTISE = 0.0.0.0:8010\n", "FASTCHAT.ADVERTISE"),
        ("[FASTCHAT]\nADVERTISE = [::]:8010\n", "FASTCHAT.ADVERTISE"), ("[FASTCHAT]\nPORT = 54321\n", "FASTCHAT.PORT"),
        ("[FASTCHAT]\nADVERTISE = chat.example\n", "FASTCHAT.ADVERTISE"),
        ("[FASTCHAT]\nADVERTISE = chat.example:0\n", "FASTCHAT.ADVERTISE"),
        ("[BALANCER]\nLISTEN = 9000\n", "BALANCER.LISTEN"), ("[BALANCER]\nALGORITHM = fewest\n", "BALANCER.ALGORITHM"),
        ("[SERVER]\nNAME =\n", "SERVER.NAME"), ("[MESSENGER]\nGATHER_MS = 0\n", "MESSENGER.GATHER_MS"),
        ("[PRESENCE]\nPER_MINUTE = 0\n", "PRESENCE.PER_MINUTE"),
        ("[SKARO]\nRESTORE_SECONDS = 5m\n", "SKARO.RESTORE_SECONDS"),
    ]) func wrongValueIsReportedWithItsKeyAndLine(file: String, key: String) throws {
        let error = try failure(file)

        #expect(error.findings.map(\.key) == [key])
        #expect(error.findings.first?.line == 2)
    }

    @Test func samePortIsNoMistakeWhenTheSystemChoosesOrOneIsOff() throws {
        let free = try load("[MESSENGER]\nPORT = 0\n[FASTCHAT]\nPORT = 0\n")
        let off = try load("[MESSENGER]\nENABLED = off\n[FASTCHAT]\nPORT = 54321\n")
        let apart = try load("[MESSENGER]\nHOST = 127.0.0.2\n[FASTCHAT]\nPORT = 54321\n")

        #expect(free.messenger.address.port == 0)
        #expect(off.fastChat.address.port == 54321)
        #expect(apart.messenger.address.host == "127.0.0.2")
    }

    @Test(arguments: [
        ("chat.example:9000", "chat.example", 9000), ("10.0.0.1:1", "10.0.0.1", 1), ("[::1]:65535", "::1", 65535),
    ]) func addressIsReadAndWritten(text: String, host: String, port: Int) throws {
        let address = NetworkAddress(host: host, port: port)

        #expect(try SettingKind.address(ports: 1...65535).parse(text, folder: "/") == .address(address))
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", "a:", ":80", "a:b", "a:-1", "a:+1", "a:65536", "a:000080", "::1:80", "[::1]", "[::1:80", "a b:80",
        "a:8 0",
        "[]:80", "a:80 ; comment",
    ]) func nonsenseIsNoAddress(_ text: String) {
        #expect(throws: SettingValueError.self) { try SettingKind.address(ports: 0...65535).parse(text, folder: "/") }
    }

    @Test(arguments: ["", " ", "a\nb", "a\u{7}", "\u{2028}", "abcdef"]) func nonsenseIsNoLine(_ text: String) {
        #expect(throws: SettingValueError.self) {
            try SettingKind.line(maximumCharacters: 5).parse(text, folder: "/")
        }
    }

    @Test(arguments: [
        ("0.0.0.0", true), ("::", true), ("0:0:0:0:0:0:0:0", true), ("127.0.0.1", false), ("::1", false), ("0", false),
        ("chat.example", false),
    ]) func wildcardIsTold(host: String, isWildcard: Bool) {
        #expect(NetworkAddress.isWildcard(host) == isWildcard)
    }
}
