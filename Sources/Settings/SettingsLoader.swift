// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Configuration
import Synchronization

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

    let file: SettingsFile
    let document: INIDocument?
    private let currentFolder: String
    private let environment: [String: String]
    private let variables: SettingVariables
    private let reader: ConfigReader
    private let origins: [Origin]
    private let ini: INIProvider?
    private let recorder = Recorder()
    var values: [SettingKey: SettingValue] = [:]
    var resolved: [ResolvedSetting] = []
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
        let variables = SettingVariables(
            environment: environment, folder: document == nil ? currentFolder : file.folder)
        self.variables = variables
        let process = EnvironmentVariablesProvider(
            environmentVariables: Dictionary(
                uniqueKeysWithValues: variables.entries.map { key, entry in (key.environmentNames[0], entry.value) }),
            secretsSpecifier: .specific(
                Set(variables.entries.keys.filter(\.mayHoldSecret).map { $0.environmentNames[0] }))
        ).prefixKeys(with: "parley")
        ini = document.map { INIProvider(document: $0, file: file.name, keys: SettingKey.all) }
        var providers: [any ConfigProvider] = [options, process]
        if let ini { providers.append(ini) }
        origins = [.commandLine, .environment, .file]
        reader = ConfigReader(providers: providers, accessReporter: recorder)
    }

    mutating func load() -> (settings: Settings?, findings: [SettingsFinding]) {
        findings = variables.findings
        for key in SettingKey.all { read(key) }
        if findings.isEmpty { checkCombinations() }
        let isLoadable = findings.isEmpty
        findings += SettingsInspection(file: file, document: document, environment: environment).findings()
        guard isLoadable else { return (nil, findings) }
        var settings = settings(findings: findings)
        findings += settings.frontDoorFindings
        settings.findings = findings
        return (settings, findings)
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
            add(.valueInvalid, source, key, "[\(key.section)] \(key.name)\(shown) \(error.problem).", error.remedy)
        }
    }

    private func source(of key: SettingKey) -> ResolvedSetting.Source {
        switch recorder.index.map({ origins[$0] }) {
        case .commandLine: .commandLine
        case .environment: .environment(variables.entries[key]?.name ?? key.environmentNames[0])
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

    var baseFolder: String { document == nil ? currentFolder : file.folder }

    private mutating func add(
        _ id: SettingsFinding.ID, _ source: ResolvedSetting.Source, _ key: SettingKey, _ message: String,
        _ remedy: String
    ) {
        var finding = SettingsFinding(id, .error, key: key.path, message: message, remedy: remedy)
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
                .versionsReversed, source(.apiMinimumVersion), .apiMinimumVersion,
                "[API_VERSION] MIN_VERSION is greater than MAX_VERSION.", "Write versions in ascending order."
            )
        }
        if integer(.limitFrameBytes) > integer(.limitInboundBytes) {
            add(
                .frameTooLarge, source(.limitFrameBytes), .limitFrameBytes,
                "[SERVER_LIMIT] FRAME_BYTES is greater than INBOUND_BYTES, so that such a message could never arrive.",
                "Raise INBOUND_BYTES or lower FRAME_BYTES."
            )
        }
        for (given, other) in [
            (SettingKey.tlsKeyFile, SettingKey.tlsCertificateFile), (.tlsCertificateFile, .tlsKeyFile),
        ] where values[given] != nil && values[other] == nil {
            add(
                .tlsIncomplete, source(given), given, "[TLS] \(given.name) is set but \(other.name) is not.",
                "Set both, or neither to serve without TLS."
            )
        }
        for key in [SettingKey.messengerTLS, .fastChatTLS] where boolean(key) && values[.tlsKeyFile] == nil {
            add(
                .tlsIncomplete, source(key), key, "[\(key.section)] TLS is on but there is no certificate.",
                "Set KEY_FILE and CERT_FILE of [TLS], or turn it off."
            )
        }
        if let address = address(.fastChatAdvertise), NetworkAddress.isWildcard(address.host) {
            add(
                .addressUnreachable, source(.fastChatAdvertise), .fastChatAdvertise,
                "[FASTCHAT] ADVERTISE \(address) is no address that a client can connect to.",
                "Write the address under which clients reach this server."
            )
        }
        for key in [
            SettingKey.serverProxyProtocol, .messengerProxyProtocol, .fastChatProxyProtocol, .balancerProxyProtocol,
        ] where boolean(key) && ranges(.serverTrustedProxies).isEmpty {
            add(
                .proxyUntrusted, source(key), key, "[\(key.section)] PROXY_PROTOCOL is on but no proxy is trusted.",
                "Set [SERVER] TRUSTED_PROXIES to the addresses of the proxies, or turn it off."
            )
        }
        if isServed(.messengerEnabled, listenAddress(.messengerHost, .messengerPort), tls: .messengerTLS),
            isServed(.fastChatEnabled, listenAddress(.fastChatHost, .fastChatPort), tls: .fastChatTLS)
        {
            let messenger = listenAddress(.messengerHost, .messengerPort)
            let fastChat = listenAddress(.fastChatHost, .fastChatPort)
            if messenger == fastChat, messenger.port != 0 {
                add(
                    .portShared, source(.fastChatPort), .fastChatPort,
                    "[MESSENGER] and [FASTCHAT] both listen on \(fastChat).",
                    "Give them different ports, or switch one off with ENABLED = off."
                )
            }
        }
    }
}
