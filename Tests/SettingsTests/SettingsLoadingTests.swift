// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Configuration
import Settings
import TestSupport
import Testing

struct SettingsLoadingTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(
        _ file: String? = nil, environment: [String: String] = [:], overrides: [SettingKey: String] = [:]
    ) throws -> Settings {
        if let file { try folder.write(file, to: "config.ini") }
        return try Settings.load(environment: environment, overrides: overrides, currentFolder: folder.path)
    }

    private func failure(
        _ file: String, environment: [String: String] = [:], overrides: [SettingKey: String] = [:]
    ) throws -> SettingsError {
        try #require(throws: SettingsError.self) { try load(file, environment: environment, overrides: overrides) }
    }

    private func source(_ key: SettingKey, in settings: Settings) -> String? {
        settings.values().first { $0.key == key }?.source.description
    }

    @Test func withoutAFileTheDefaultsApplyAndANoteSaysSo() throws {
        let settings = try load()

        #expect(settings.server.host == "127.0.0.1")
        #expect(settings.server.port == 8080)
        #expect(settings.database.location == .sqlite(path: "\(folder.path)/db_sqlite.db"))
        #expect(settings.database.pool == 8)
        #expect(settings.database.busyTimeout == .seconds(5))
        #expect(settings.tokenTTL == .seconds(30 * 86400))
        #expect(settings.limits.messages == 100)
        #expect(settings.limits.users == 100)
        #expect(settings.limits.frameBytes == 16 << 20)
        #expect(settings.limits.inboundBytes == 256 << 20)
        #expect(settings.limits.outboundBytes == 1 << 20)
        #expect(settings.limits.requests == 32)
        #expect(settings.limits.logInTimeout == .seconds(60))
        #expect(settings.limits.writeTimeout == .seconds(60))
        #expect(settings.limits.connections == nil)
        #expect(settings.limits.connectionsPerAddress == 1000)
        #expect(settings.hashing.algorithm == .argon2id)
        #expect(settings.hashing.argon2MemoryBytes == 19 << 20)
        #expect(settings.hashing.argon2Iterations == 2)
        #expect(settings.hashing.passwordBytes == 32)
        #expect(settings.hashing.authIDBytes == 16)
        #expect(settings.logging.level == 20)
        #expect(settings.logging.folder == "\(folder.path)/log")
        #expect(settings.logging.format == .text)
        #expect(settings.logging.expiration == .seconds(3 * 86400))
        #expect(settings.logging.isRequestLogDisabled == false)
        #expect(settings.apiVersions == ProtocolVersion(major: 1, minor: 0)...ProtocolVersion(major: 1, minor: 9))
        #expect(settings.admin.socket == "\(folder.path)/run/admin.sock")
        #expect(settings.admin.secretKey == nil)
        #expect(settings.tls.keyFile == nil)
        #expect(settings.templatesFolder == nil)
        #expect(settings.file == nil)
        #expect(settings.note?.contains("No settings file") == true)
        #expect(settings.findings.isEmpty)
        #expect(settings.values().count == SettingKey.all.count)
        #expect(settings.values().allSatisfy { $0.source == .standard })
    }

    @Test func commandLineGoesBeforeEnvironmentBeforeFileBeforeDefault() throws {
        let file = "[SERVER]\nHOST = 0.0.0.1\n\nport = 1\n[SERVER_LIMIT]\nUSERS = 7\n"
        let environment = ["PARLEY_SERVER_HOST": "0.0.0.2", "PARLEY_SERVER_PORT": "2"]

        let settings = try load(file, environment: environment, overrides: [.serverPort: "3"])

        #expect(settings.server.port == 3)
        #expect(settings.server.host == "0.0.0.2")
        #expect(settings.limits.users == 7)
        #expect(settings.limits.messages == 100)
        #expect(source(.serverPort, in: settings) == "command line")
        #expect(source(.serverHost, in: settings) == "environment PARLEY_SERVER_HOST")
        #expect(source(.limitUsers, in: settings) == "config.ini:6")
        #expect(source(.limitMessages, in: settings) == "default")
        #expect(settings.note == nil)
    }

    @Test(arguments: [("500ms", 0.5), ("1", 1), ("1500ms", 1.5), ("2m", 120)])
    func theBusyTimeoutKeepsItsFraction(text: String, seconds: Double) throws {
        let settings = try load("[DATABASE]\nBUSY_TIMEOUT = \(text)\n")

        #expect(settings.database.busySeconds == seconds)
    }

    @Test func otherSpellingsWorkInFileAndEnvironment() throws {
        let settings = try load("[hash_size]\npassword = 64\n", environment: ["PARLEY_HASH_SIZE_AUTH_ID": "20"])

        #expect(settings.hashing.passwordBytes == 64)
        #expect(settings.hashing.authIDBytes == 20)
        #expect(source(.hashPasswordSize, in: settings) == "config.ini:2")
        #expect(source(.hashAuthIDSize, in: settings) == "environment PARLEY_HASH_SIZE_AUTH_ID")
    }

    @Test func environmentGoesBeforeTheFileEvenInAnotherSpelling() throws {
        let settings = try load("[HASH_SIZE]\nSIZE_PASSWORD = 64\n", environment: ["PARLEY_HASH_SIZE_PASSWORD": "48"])

        #expect(settings.hashing.passwordBytes == 48)
    }

    @Test func pathsCountFromTheFileOrForOptionsFromTheCurrentFolder() throws {
        let elsewhere = try TemporaryFolder()
        let file = try elsewhere.write("[LOGGING]\nFOLDER = logs\n", to: "other.ini")

        let settings = try Settings.load(
            file: file, environment: ["PARLEY_ADMIN_SOCKET": "s"],
            overrides: [.tlsKeyFile: "key.pem", .tlsCertificateFile: "/c.pem"], currentFolder: folder.path
        )

        #expect(settings.logging.folder == "\(elsewhere.path)/logs")
        #expect(settings.admin.socket == "\(elsewhere.path)/s")
        #expect(settings.database.location == .sqlite(path: "\(elsewhere.path)/db_sqlite.db"))
        #expect(settings.tls.keyFile == "\(folder.path)/key.pem")
        #expect(settings.file == file)
    }

    @Test func optionGoesBeforeVariableBeforeCurrentFolder() throws {
        try folder.write("[SERVER]\nPORT = 1\n", to: "config.ini")
        try folder.write("[SERVER]\nPORT = 2\n", to: "two.ini")
        try folder.write("[SERVER]\nPORT = 3\n", to: "three.ini")
        let environment = ["PARLEY_CONFIG": "two.ini"]

        let byFolder = try Settings.load(environment: ["PARLEY_CONFIG": ""], currentFolder: folder.path)
        let byVariable = try Settings.load(environment: environment, currentFolder: folder.path)
        let byOption = try Settings.load(file: "three.ini", environment: environment, currentFolder: folder.path)

        #expect([byFolder, byVariable, byOption].map(\.server.port) == [1, 2, 3])
    }

    @Test func chosenFileThatIsMissingIsAnError() throws {
        for (file, environment) in [("no.ini", [:]), (nil, ["PARLEY_CONFIG": "no.ini"])]
            as [(String?, [String: String])]
        {
            let error = try #require(throws: SettingsError.self) {
                try Settings.load(file: file, environment: environment, currentFolder: folder.path)
            }

            #expect(error.code == .missingFile)
            #expect(error.description.contains("\(folder.path)/no.ini"))
            #expect(error.description.contains("manage config init"))
        }
    }

    @Test func folderInPlaceOfAFileIsAnError() throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.load(file: folder.path, environment: [:], currentFolder: "/")
        }

        #expect(error.code == .unusableFile)
    }

    @Test func brokenFileIsReportedWithItsLine() throws {
        let error = try failure("[SERVER]\nHOST = a\nPORT 8080\n")

        #expect(error.code == .syntax)
        #expect(error.description.hasPrefix("\(folder.path)/config.ini:3: "))
    }

    @Test func everyWrongValueIsReportedWithPlaceAndRemedy() throws {
        let error = try failure(
            "[SERVER]\nPORT = 99999\n[LOGGING]\nLEVEL = loud\nUVICORN_LOGGING_DISABLE = perhaps\n[SERVER_LIMIT]\nUSERS "
                + "= ten\n",
            environment: ["PARLEY_SESSION_TOKEN_TTL": "5 years"], overrides: [.serverHost: "a b"]
        )

        #expect(error.code == .values)
        #expect(
            error.findings.map(\.key) == [
                "SERVER.HOST", "SERVER.PORT", "SESSION.TOKEN_TTL", "SERVER_LIMIT.USERS", "LOGGING.LEVEL",
                "LOGGING.UVICORN_LOGGING_DISABLE",
            ])
        #expect(error.findings.map(\.line) == [nil, 2, nil, 7, 4, 5])
        let lines = error.description.split(separator: "\n").map(String.init)
        #expect(
            lines[0].hasSuffix(
                "It comes from the command line. Write an address such as 127.0.0.1 or ::1, or 0.0.0.0 for every IPv4 "
                    + "address of the machine."
            ))
        #expect(
            lines[1]
                == "\(folder.path)/config.ini:2: [SERVER] PORT '99999' is outside of the range. Write a whole number, "
                + "0 to 65535."
        )
        #expect(lines[2].contains("environment variable PARLEY_SESSION_TOKEN_TTL"))
    }

    @Test func valuesThatContradictEachOtherAreErrors() throws {
        let cases = [
            ("[API_VERSION]\nMIN_VERSION = 2.0\n", "API_VERSION.MIN_VERSION"),
            ("[SERVER_LIMIT]\nFRAME_BYTES = 512 MiB\n", "SERVER_LIMIT.FRAME_BYTES"),
            ("[TLS]\nKEY_FILE = key.pem\n", "TLS.KEY_FILE"),
            ("[TLS]\nCERT_FILE = cert.pem\n", "TLS.CERT_FILE"),
        ]
        for (file, key) in cases {
            let error = try failure(file)

            #expect(error.findings.map(\.key) == [key])
            #expect(error.findings.first?.line == 2)
        }
    }

    @Test func emptyValueUnsetsAKeyWithoutDefaultAndIsWrongForOthers() throws {
        let settings = try load("[TLS]\nKEY_FILE =\n[ADMIN]\nSECRET_KEY =\n[REGISTRATION]\nMODE =\n")

        #expect(settings.tls.keyFile == nil)
        #expect(settings.admin.secretKey == nil)
        #expect(settings.registrationMode == nil)
        #expect(try failure("[SERVER]\nPORT =\n").findings.first?.key == "SERVER.PORT")
    }

    @Test func secretsAppearInNoTextAboutSettings() throws {
        let file = """
            [DATABASE]
            URI = postgres://u:hunter2@h/name
            [ADMIN]
            SECRET_KEY = hunter2
            [SUPERUSER]
            PASSWORD = hunter2
            KEY = hunter2

            """
        let settings = try load(file)
        let texts = settings.values().map { "\($0.text ?? "") \($0.source)" } + settings.findings.map(\.description)
        let broken = try failure("[DATABASE]\nURI = oracle:hunter2@h\n[SERVER]\nPORT = x\n")
        let duplicate = try failure("[ADMIN]\nSECRET_KEY = hunter2\nSECRET_KEY = hunter2\n")

        #expect(settings.admin.secretKey == "hunter2")
        for text in texts + ["\(broken)", "\(duplicate)"] { #expect(!text.contains("hunter2")) }
        #expect(settings.values().first { $0.key == .adminSecretKey }?.text == "********")
        #expect(settings.values().first { $0.key == .databaseURI }?.text == "postgres://u:***@h:5432/name")
    }

    @Test(arguments: [
        ("127.0.0.1", Settings.RegistrationMode.open), ("127.8.9.10", .open), ("::1", .open), ("localhost", .open),
        ("0.0.0.0", .closed), ("::", .closed), ("192.168.0.4", .closed), ("127.example", .closed),
        ("127.0.0.1.evil", .closed),
    ]) func registrationIsOpenOnlyWhileTheServerListensOnLoopback(host: String, mode: Settings.RegistrationMode) throws
    {
        let settings = try load(overrides: [.serverHost: host])

        #expect(settings.effectiveRegistrationMode == mode)
        #expect(settings.registrationReason.contains(host))
    }

    @Test func writtenRegistrationModeGoesBeforeTheAddress() throws {
        let open = try load("[SERVER]\nHOST = 0.0.0.0\n[REGISTRATION]\nMODE = Open\n")
        let closed = try load("[REGISTRATION]\nMODE = closed\n")

        #expect(open.effectiveRegistrationMode == .open)
        #expect(closed.effectiveRegistrationMode == .closed)
        #expect(open.registrationReason.contains("[REGISTRATION] MODE"))
    }

    @Test func unknownNamesAreFindingsWithASuggestion() throws {
        let file =
            "[SERVER]\nPROT = 1\nUSERS = 5\nCOLOUR = red\n[SERVRE]\nHOST = a\n[LOGGING]\nLEVEL = 20\n[Logging]\nFOLDER "
            + "= x\n"

        let settings = try load(file, environment: ["PARLEY_SERVER_PRT": "1", "PARLEYX": "1", "PARLEY_CONFIG": ""])

        let lines = settings.findings.map { "\($0.line ?? 0) \($0.key ?? "") \($0.remedy)" }
        #expect(
            lines == [
                "5 [SERVRE] Did you mean [SERVER]?",
                "9 [Logging] Move its keys to one section.",
                "2 SERVER.PROT Did you mean SERVER.PORT?",
                "3 SERVER.USERS Did you mean SERVER_LIMIT.USERS?",
                "4 SERVER.COLOUR The keys of [SERVER] are HOST, PORT, NAME, WEB_CHAT, STOP_DELAY, STOP_SPREAD, "
                    + "ORIGINS, TRUSTED_PROXIES, FORWARDED_HEADER, PROXY_PROTOCOL.",
                "0 PARLEY_SERVER_PRT Did you mean PARLEY_SERVER_PORT?",
            ])
        #expect(settings.findings.allSatisfy { $0.severity == .warning })
        #expect(settings.logging.folder == "\(folder.path)/x")
    }

    @Test func twoSpellingsOfOneKeyAreAFinding() throws {
        let settings = try load("[HASH_SIZE]\nPASSWORD = 20\nSIZE_PASSWORD = 40\n")

        #expect(settings.hashing.passwordBytes == 40)
        #expect(settings.findings.map(\.line) == [2])
    }

    @Test func secretInAFileThatOthersReadIsAFinding() throws {
        let text = "[DATABASE]\nURI = postgres://u:p@h/n\n"
        try folder.write(text, to: "open.ini", mode: 0o644)
        try folder.write(text, to: "closed.ini", mode: 0o600)

        let open = try Settings.load(file: "open.ini", environment: [:], currentFolder: folder.path)
        let closed = try Settings.load(file: "closed.ini", environment: [:], currentFolder: folder.path)

        #expect(open.findings.map(\.remedy) == ["Run chmod 600 on it."])
        #expect(closed.findings.isEmpty)
    }

    @Test func examinationGathersErrorsAndOddities() throws {
        try folder.write("[SERVER]\nPROT = 1\nPORT = x\n", to: "config.ini")

        let (settings, findings) = Settings.examine(environment: [:], currentFolder: folder.path)
        let missing = Settings.examine(file: "none.ini", environment: [:], currentFolder: folder.path)

        #expect(settings == nil)
        #expect(findings.map(\.severity) == [.error, .warning])
        #expect(missing.findings.map(\.severity) == [.error])
    }

    @Test func settingsFileOfTheReferenceServerLoadsUnchanged() throws {
        let file = SourceTree.path("Tests/SettingsTests/Fixtures/reference_config.ini")

        let settings = try Settings.load(file: file, environment: [:], currentFolder: "/")

        #expect(settings.hashing.passwordBytes == 32)
        #expect(settings.hashing.authIDBytes == 16)
        #expect(settings.logging.isRequestLogDisabled)
        #expect(settings.logging.debugExpiration == .seconds(4 * 86400))
        #expect(settings.logging.infoTemplate == "[<b>{time:DD/MM/YY HH:mm:ss}</>]  [<e>{level}</>]  {message}")
        #expect(settings.templatesFolder == SourceTree.path("Tests/SettingsTests/Fixtures/templates"))
        #expect(settings.limits.users == 50)
        #expect(settings.apiVersions.upperBound == ProtocolVersion(major: 1, minor: 9))
        #expect(settings.superuser.login == "login")
        #expect(settings.superuser.password == Settings.Superuser.shippedPassword)
        #expect(settings.admin.secretKey?.count == 48)
        let notes = settings.findings.filter { $0.severity == .note }
        let unknown = settings.findings.filter { $0.message.contains("unknown") }
        #expect(notes.map(\.key) == ["[SUPERUSER]"])
        #expect(unknown.isEmpty)
    }

    @Test func providerAnswersLikeAnyOtherOfSwiftConfiguration() async throws {
        let document = try INIDocument(
            "[SERVER]\nPORT = 81\n[LOGGING]\nUVICORN_LOGGING_DISABLE = on\n[ADMIN]\nSECRET_KEY = s\n")
        let provider = INIProvider(document: document, file: "config.ini", keys: SettingKey.all)
        let port = AbsoluteConfigKey(["Server", "PORT"])

        #expect(try provider.value(forKey: port, type: .int).value == ConfigValue(.int(81), isSecret: false))
        #expect(try provider.value(forKey: port, type: .double).value == ConfigValue(.double(81), isSecret: false))
        #expect(try provider.value(forKey: port, type: .string).encodedKey == "config.ini:2")
        #expect(try await provider.fetchValue(forKey: port, type: .string).value == "81")
        #expect(throws: INIProvider.TypeError.self) { try provider.value(forKey: port, type: .bool) }
        #expect(try provider.value(forKey: AbsoluteConfigKey(["server", "host"]), type: .string).value == nil)
        let flag = try provider.snapshot().value(
            forKey: AbsoluteConfigKey(["logging", "uvicorn_logging_disable"]), type: .bool
        )
        #expect(flag.value == true)
        #expect(
            try provider.value(forKey: AbsoluteConfigKey(["admin", "secret_key"]), type: .string).value?.isSecret
                == true)
        let watched = try await provider.watchValue(forKey: port, type: .int) { updates in
            for await update in updates { return try update.get().value }
            return nil
        }
        #expect(watched == ConfigValue(.int(81), isSecret: false))
    }
}
