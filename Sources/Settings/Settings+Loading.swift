// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Configuration
import Synchronization

extension Settings {
    /// Puts the settings together: overrides, then environment, then file, then defaults.
    ///
    /// - Parameters:
    ///   - file: The path that `--config` gave; without it `PARLEY_CONFIG` or `config.ini` in the current folder counts.
    ///   - environment: The variables of the process.
    ///   - overrides: Values of command-line options. Relative paths among them count from the current folder.
    ///   - currentFolder: An absolute path; the process's current folder by default.
    /// - Throws: `SettingsError` when the chosen file is missing or unreadable or a value is wrong.
    package static func load(
        file: String? = nil, environment: [String: String], overrides: [SettingKey: String] = [:],
        currentFolder: String = SettingsFile.currentFolder()
    ) throws(SettingsError) -> Settings {
        let chosen = SettingsFile.chosen(option: file, environment: environment, currentFolder: currentFolder)
        let document = try chosen.document()
        if document == nil, chosen.choice != .currentFolder { throw chosen.missing() }
        var loader = SettingsLoader(
            file: chosen, document: document, environment: environment, overrides: overrides, currentFolder: currentFolder
        )
        return try loader.load()
    }
}

/// Reads every key through swift-configuration, which carries the precedence, and gathers what is wrong.
struct SettingsLoader {
    private enum Origin { case commandLine, environment, file }

    /// Notes which provider answered: providers are asked in order until one has a value.
    private final class Recorder: AccessReporter {
        private let answered = Mutex<Int?>(nil)

        func report(_ event: AccessEvent) {
            let hasValue = (try? event.providerResults.last?.result.get().value) != nil
            answered.withLock { $0 = hasValue ? event.providerResults.count - 1 : nil }
        }

        var index: Int? { answered.withLock { $0 } }
    }

    private let file: SettingsFile
    private let document: INIDocument?
    private let currentFolder: String
    private let environment: [String: String]
    private let reader: ConfigReader
    private let origins: [Origin]
    private let ini: INIProvider?
    private let recorder = Recorder()
    private var values: [SettingKey: SettingValue] = [:]
    private var resolved: [ResolvedSetting] = []
    private var findings: [SettingsFinding] = []

    init(
        file: SettingsFile, document: INIDocument?, environment: [String: String], overrides: [SettingKey: String],
        currentFolder: String
    ) {
        self.file = file
        self.document = document
        self.environment = environment
        self.currentFolder = currentFolder
        let options = InMemoryProvider(
            name: "command line",
            values: Dictionary(
                uniqueKeysWithValues: overrides.map { key, text in
                    (AbsoluteConfigKey(key.components), ConfigValue(.string(text), isSecret: key.mayHoldSecret))
                }
            )
        )
        var variables: [String: String] = [:]
        var secretNames: Set<String> = []
        for key in SettingKey.all {
            guard let value = key.environmentNames.lazy.compactMap({ environment[$0] }).first else { continue }
            variables[key.environmentNames[0]] = value
            if key.mayHoldSecret { secretNames.insert(key.environmentNames[0]) }
        }
        let process = EnvironmentVariablesProvider(
            environmentVariables: variables, secretsSpecifier: .specific(secretNames)
        ).prefixKeys(with: "parley")
        ini = document.map { INIProvider(document: $0, file: file.name, keys: SettingKey.all) }
        var providers: [any ConfigProvider] = [options, process]
        if let ini { providers.append(ini) }
        origins = [.commandLine, .environment, .file]
        reader = ConfigReader(providers: providers, accessReporter: recorder)
    }

    mutating func load() throws(SettingsError) -> Settings {
        for key in SettingKey.all { read(key) }
        if findings.isEmpty { checkCombinations() }
        let errors = findings.filter { $0.severity == .error }
        guard errors.isEmpty else { throw SettingsError(.values, errors) }
        let inspection = SettingsInspection(file: file, document: document, environment: environment)
        return settings(findings: findings + inspection.findings())
    }

    private mutating func read(_ key: SettingKey) {
        let text = reader.string(forKey: ConfigKey(key.components), isSecret: key.mayHoldSecret)
        let source = text == nil ? .standard : source(of: key)
        // An empty value unsets a key that has no default.
        guard let text = text.flatMap({ $0.isEmpty && key.defaultText == nil ? nil : $0 }) ?? key.defaultText else {
            resolved.append(ResolvedSetting(key: key, text: nil, source: source))
            return
        }
        do {
            let value = try key.kind.parse(text, folder: source == .commandLine ? currentFolder : baseFolder)
            values[key] = value
            resolved.append(ResolvedSetting(key: key, text: Self.display(value, text: text, key: key), source: source))
        } catch {
            let shown = key.mayHoldSecret ? "" : " \(text.quotedForDisplay())"
            add(source, key, "[\(key.section)] \(key.name)\(shown) \(error.problem).", error.remedy)
        }
    }

    private func source(of key: SettingKey) -> ResolvedSetting.Source {
        switch recorder.index.map({ origins[$0] }) {
        case .commandLine: .commandLine
        case .environment:
            .environment(key.environmentNames.first { environment[$0] != nil } ?? key.environmentNames[0])
        case .file: .file(path: file.path, line: ini?.line(of: key) ?? 0)
        case nil: .standard
        }
    }

    private static func display(_ value: SettingValue, text: String, key: SettingKey) -> String {
        if key.isSecret { return "********" }
        return switch value {
        case .path(let path): path
        case .database(let location): location.description
        default: text
        }
    }

    private var baseFolder: String { document == nil ? currentFolder : file.folder }

    private mutating func add(_ source: ResolvedSetting.Source, _ key: SettingKey, _ message: String, _ remedy: String) {
        var finding = SettingsFinding(.error, key: key.path, message: message, remedy: remedy)
        switch source {
        case .file(let path, let line): (finding.file, finding.line) = (path, line)
        case .environment(let name): finding.message += " It comes from the environment variable \(name)."
        case .commandLine: finding.message += " It comes from the command line."
        case .standard: break
        }
        findings.append(finding)
    }

    private mutating func checkCombinations() {
        func source(_ key: SettingKey) -> ResolvedSetting.Source {
            resolved.first { $0.key == key }?.source ?? .standard
        }
        if version(.apiMinimumVersion) > version(.apiMaximumVersion) {
            add(
                source(.apiMinimumVersion), .apiMinimumVersion,
                "[API_VERSION] MIN_VERSION is greater than MAX_VERSION.", "Write versions in ascending order."
            )
        }
        if integer(.limitFrameBytes) > integer(.limitInboundBytes) {
            add(
                source(.limitFrameBytes), .limitFrameBytes,
                "[SERVER_LIMIT] FRAME_BYTES is greater than INBOUND_BYTES, so that such a message could never arrive.",
                "Raise INBOUND_BYTES or lower FRAME_BYTES."
            )
        }
        for (given, other) in [
            (SettingKey.tlsKeyFile, SettingKey.tlsCertificateFile), (.tlsCertificateFile, .tlsKeyFile),
        ] where values[given] != nil && values[other] == nil {
            add(
                source(given), given, "[TLS] \(given.name) is set but \(other.name) is not.",
                "Set both, or neither to serve without TLS."
            )
        }
    }

    private func settings(findings: [SettingsFinding]) -> Settings {
        Settings(
            server: Settings.Server(host: text(.serverHost), port: integer(.serverPort)),
            registrationMode: optionalText(.registrationMode).flatMap(Settings.RegistrationMode.init(rawValue:)),
            database: Settings.Database(
                location: database(.databaseURI), pool: integer(.databasePool), busyTimeout: duration(.databaseBusyTimeout)
            ),
            tokenTTL: duration(.sessionTokenTTL),
            limits: Settings.Limits(
                messages: integer(.limitMessages), users: integer(.limitUsers), frameBytes: integer(.limitFrameBytes),
                inboundBytes: integer(.limitInboundBytes), outboundBytes: integer(.limitOutboundBytes),
                requests: integer(.limitRequests)
            ),
            hashing: Settings.Hashing(
                algorithm: Settings.Hashing.Algorithm(rawValue: text(.hashAlgorithm)) ?? .argon2id,
                argon2MemoryBytes: integer(.hashArgon2Memory), argon2Iterations: integer(.hashArgon2Iterations),
                passwordBytes: integer(.hashPasswordSize), authIDBytes: integer(.hashAuthIDSize)
            ),
            logging: Settings.Logging(
                level: integer(.loggingLevel), folder: text(.loggingFolder),
                format: Settings.Logging.Format(rawValue: text(.loggingFormat)) ?? .text,
                expiration: duration(.loggingExpiration), debugExpiration: duration(.loggingDebugExpiration),
                isRequestLogDisabled: boolean(.loggingUvicornDisable), debugTemplate: text(.loggingDebugTemplate),
                errorTemplate: text(.loggingErrorTemplate), infoTemplate: text(.loggingInfoTemplate)
            ),
            apiVersions: version(.apiMinimumVersion)...version(.apiMaximumVersion),
            admin: Settings.Admin(socket: text(.adminSocket), secretKey: optionalText(.adminSecretKey)),
            tls: Settings.TLS(
                keyFile: optionalText(.tlsKeyFile), certificateFile: optionalText(.tlsCertificateFile),
                authorityFile: optionalText(.tlsAuthorityFile)
            ),
            templatesFolder: optionalText(.templatesFolder),
            superuser: Settings.Superuser(
                login: optionalText(.superuserLogin), username: optionalText(.superuserName),
                email: optionalText(.superuserEmail), password: optionalText(.superuserPassword)
            ),
            file: document == nil ? nil : file.path, folder: baseFolder, findings: findings,
            note: document == nil
                ? "No settings file: the defaults apply. Write one with 'manage config init' (it would be \(file.path))."
                : nil,
            resolved: resolved
        )
    }

    // The table gives every key its kind, and a value of that kind or a default is there for each key that has one; the
    // tests load the defaults. So these stop the program only when the table and the code above disagree.

    private func integer(_ key: SettingKey) -> Int {
        guard case .integer(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func duration(_ key: SettingKey) -> Duration {
        guard case .duration(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func boolean(_ key: SettingKey) -> Bool {
        guard case .boolean(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func version(_ key: SettingKey) -> ProtocolVersion {
        guard case .version(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func database(_ key: SettingKey) -> DatabaseLocation {
        guard case .database(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func text(_ key: SettingKey) -> String {
        optionalText(key) ?? mismatch(key)
    }

    private func optionalText(_ key: SettingKey) -> String? {
        switch values[key] {
        case .text(let value), .path(let value): value
        default: nil
        }
    }

    private func mismatch<Value>(_ key: SettingKey) -> Value {
        preconditionFailure("The table of settings gives \(key.path) another kind than the settings expect.")
    }
}
