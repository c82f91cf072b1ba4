// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Settings
import TestSupport
import Testing

/// What the settings mean for strangers: proxies, pages of other places, registration, passwords in clear.
struct FrontDoorSettingsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ file: String, overrides: [SettingKey: String] = [:]) throws -> Settings {
        try folder.write(file, to: "config.ini")
        return try Settings.load(environment: [:], overrides: overrides, currentFolder: folder.path)
    }

    @Test func nobodyIsTrustedAndNoOtherPageMayConnectByDefault() throws {
        let settings = try load("")

        #expect(settings.server.origins == [])
        #expect(settings.server.trustedProxies == [])
        #expect(settings.server.forwardedHeader == "X-Forwarded-For")
        #expect(!settings.server.readsProxyHeader)
        #expect(!settings.messenger.readsProxyHeader)
        #expect(!settings.fastChat.readsProxyHeader)
        #expect(!settings.balancer.readsProxyHeader)
        #expect(settings.findings == [])
        #expect(settings.protocolNotes == [])
    }

    @Test func proxiesAndOriginsAreTakenFromTheFile() throws {
        let settings = try load(
            """
            [SERVER]
            ORIGINS = https://chat.example.org, http://LOCALHOST:3000
            TRUSTED_PROXIES = 127.0.0.1 , 10.0.0.0/8,2001:db8::/32
            FORWARDED_HEADER = forwarded
            PROXY_PROTOCOL = on
            [MESSENGER]
            PROXY_PROTOCOL = on
            [FASTCHAT]
            PROXY_PROTOCOL = on
            [BALANCER]
            PROXY_PROTOCOL = on
            """)

        #expect(settings.server.origins.map(\.description) == ["https://chat.example.org", "http://localhost:3000"])
        #expect(
            settings.server.trustedProxies.map(\.description) == ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"])
        #expect(settings.server.forwardedHeader == "Forwarded")
        #expect(settings.server.readsProxyHeader && settings.messenger.readsProxyHeader)
        #expect(settings.fastChat.readsProxyHeader && settings.balancer.readsProxyHeader)
    }

    @Test(arguments: [
        ("[SERVER]\nTRUSTED_PROXIES = proxy.example\n", "SERVER.TRUSTED_PROXIES"),
        ("[SERVER]\nTRUSTED_PROXIES = 10.0.0.0/33\n", "SERVER.TRUSTED_PROXIES"),
        ("[SERVER]\nTRUSTED_PROXIES = 10.0.0.1 10.0.0.2\n", "SERVER.TRUSTED_PROXIES"),
        ("[SERVER]\nORIGINS = chat.example.org\n", "SERVER.ORIGINS"),
        ("[SERVER]\nORIGINS = https://chat.example.org/page\n", "SERVER.ORIGINS"),
        ("[SERVER]\nORIGINS = *\n", "SERVER.ORIGINS"),
        ("[SERVER]\nPROXY_PROTOCOL = on\n", "SERVER.PROXY_PROTOCOL"),
        ("[FASTCHAT]\nPROXY_PROTOCOL = on\n", "FASTCHAT.PROXY_PROTOCOL"),
    ]) func wrongValueIsReportedWithItsKeyAndLine(file: String, key: String) throws {
        let error = try #require(throws: SettingsError.self) { try load(file) }

        #expect(error.findings.map(\.key) == [key])
        #expect(error.findings.first?.line == 2)
    }

    @Test(arguments: [
        ("[SERVER]\nTRUSTED_PROXIES = 127.0.0.1\n", "TRUSTED_PROXIES"),
        ("[FASTCHAT]\nADVERTISE = chat.example.org:8010\n", "ADVERTISE"),
        ("[SERVER]\nHOST = 0.0.0.0\n", "0.0.0.0"),
        ("[MESSENGER]\nHOST = 192.168.0.4\nENABLED = on\n", "192.168.0.4"),
    ]) func registrationIsClosedWhenStrangersMayReachTheServer(file: String, reason: String) throws {
        let settings = try load(file)
        let written = try load(file + "[REGISTRATION]\nMODE = open\n")

        #expect(settings.effectiveRegistrationMode == .closed)
        #expect(settings.registrationReason.contains(reason))
        #expect(written.effectiveRegistrationMode == .open)
    }

    @Test func portsWithPasswordsInClearAreOffOnAnAddressThatOthersReach() throws {
        let settings = try load("", overrides: [.serverHost: "0.0.0.0"])

        #expect(!settings.messenger.isEnabled)
        #expect(!settings.fastChat.isEnabled)
        #expect(settings.protocolNotes.count == 2)
        #expect(settings.protocolNotes[0].contains("messenger clients are not served"))
        #expect(
            settings.findings.map { "\($0.severity.rawValue) \($0.key ?? "")" } == [
                "warning SERVER.HOST", "note MESSENGER.ENABLED", "note FASTCHAT.ENABLED",
            ])
    }

    @Test func whoSwitchesThemOnIsServedAndWarned() throws {
        let settings = try load(
            "[SERVER]\nHOST = 0.0.0.0\n[MESSENGER]\nENABLED = on\n[FASTCHAT]\nENABLED = off\n")

        #expect(settings.messenger.isEnabled)
        #expect(!settings.fastChat.isEnabled)
        #expect(
            settings.findings.map { "\($0.severity.rawValue) \($0.key ?? "") \($0.line ?? 0)" } == [
                "warning SERVER.HOST 2", "warning MESSENGER.ENABLED 4",
            ])
    }

    @Test func underTLSTheyAreServedWithoutAWarning() throws {
        let settings = try load(
            """
            [SERVER]
            HOST = 0.0.0.0
            [TLS]
            KEY_FILE = key.pem
            CERT_FILE = chain.pem
            [MESSENGER]
            TLS = on
            [FASTCHAT]
            TLS = on
            """)

        #expect(settings.messenger.isEnabled)
        #expect(settings.fastChat.isEnabled)
        #expect(settings.findings == [])
    }

    @Test func aProxyThatSpeaksTLSIsNoReasonForAWarning() throws {
        let settings = try load("[SERVER]\nHOST = 10.0.0.2\nTRUSTED_PROXIES = 10.0.0.7\n")

        #expect(!settings.findings.contains { $0.severity == .warning })
    }
}
