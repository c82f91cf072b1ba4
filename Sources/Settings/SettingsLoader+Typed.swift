// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Glibc

extension SettingsLoader {
    /// The typed settings, once every key has been read without an error.
    func settings(findings: [SettingsFinding]) -> Settings {
        Settings(
            server: server(),
            registrationMode: optionalText(.registrationMode).flatMap(Settings.RegistrationMode.init(rawValue:)),
            database: Settings.Database(
                location: database(.databaseURI), pool: integer(.databasePool),
                busyTimeout: duration(.databaseBusyTimeout)
            ),
            backup: Settings.Backup(
                schedule: schedule(.backupSchedule), keep: integer(.backupKeep), folder: text(.backupFolder)
            ),
            retention: Settings.Retention(
                chat: optionalDuration(.retentionChat), group: optionalDuration(.retentionGroup),
                channel: optionalDuration(.retentionChannel)
            ),
            tokenTTL: duration(.sessionTokenTTL),
            limits: Settings.Limits(
                messages: integer(.limitMessages), users: integer(.limitUsers), frameBytes: integer(.limitFrameBytes),
                inboundBytes: integer(.limitInboundBytes), outboundBytes: integer(.limitOutboundBytes),
                requests: integer(.limitRequests), backlog: integer(.limitBacklog),
                writeTimeout: duration(.limitWriteTimeout), logInTimeout: duration(.limitLogInTimeout),
                connections: optionalInteger(.limitConnections),
                connectionsPerAddress: integer(.limitConnectionsPerAddress)
            ),
            rateLimit: rateLimit(),
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
            admin: Settings.Admin(
                socket: text(.adminSocket), servesAPI: boolean(.adminAPI), hasPanel: boolean(.adminPanel),
                secretKey: optionalText(.adminSecretKey)),
            metrics: metrics(),
            tls: Settings.TLS(
                keyFile: optionalText(.tlsKeyFile), certificateFile: optionalText(.tlsCertificateFile),
                authorityFile: optionalText(.tlsAuthorityFile)
            ),
            skaro: Settings.Skaro(
                isEnabled: boolean(.skaroEnabled), restoreTime: .seconds(integer(.skaroRestoreSeconds))
            ),
            messenger: messenger(), fastChat: fastChat(),
            balancer: Settings.Balancer(
                listen: address(.balancerListen),
                algorithm: Settings.Balancer.Algorithm(rawValue: text(.balancerAlgorithm)) ?? .minimumConnect,
                readsProxyHeader: boolean(.balancerProxyProtocol)
            ),
            presence: Settings.Presence(
                isEnabled: boolean(.presenceEnabled), mergeTime: .milliseconds(integer(.presenceMergeTime)),
                perMinute: integer(.presencePerMinute)
            ),
            secrets: Settings.Secrets(keyFile: text(.secretsKeyFile)),
            cluster: Settings.Cluster(node: optionalText(.clusterNode) ?? Self.hostName()),
            templatesFolder: optionalText(.templatesFolder),
            superuser: Settings.Superuser(
                login: optionalText(.superuserLogin), username: optionalText(.superuserName),
                email: optionalText(.superuserEmail), password: optionalText(.superuserPassword)
            ),
            file: document == nil ? nil : file.path, folder: baseFolder, findings: findings,
            note: document == nil
                ? "No settings file: the defaults apply. Write one with 'manage config init' (it would be "
                    + "\(file.path))."
                : nil,
            resolved: resolved, valuesByKey: values
        )
    }

    private func server() -> Settings.Server {
        Settings.Server(
            host: text(.serverHost), port: integer(.serverPort), name: text(.serverName),
            hasWebChat: boolean(.serverWebChat), stopDelay: duration(.serverStopDelay),
            stopSpread: duration(.serverStopSpread), origins: origins(.serverOrigins),
            trustedProxies: ranges(.serverTrustedProxies),
            forwardedHeader: text(.serverForwardedHeader), readsProxyHeader: boolean(.serverProxyProtocol))
    }

    /// Whether a protocol is served that sends passwords in clear without TLS: unless the settings say so, only where
    /// no other machine can read them.
    func isServed(_ enabled: SettingKey, _ address: NetworkAddress, tls: SettingKey) -> Bool {
        guard case .boolean(let value) = values[enabled] else {
            return NetworkAddress.isLoopback(address.host) || boolean(tls)
        }
        return value
    }

    private func messenger() -> Settings.Messenger {
        let place = listenAddress(.messengerHost, .messengerPort)
        return Settings.Messenger(
            isEnabled: isServed(.messengerEnabled, place, tls: .messengerTLS), address: place,
            gatherTime: .milliseconds(integer(.messengerGatherTime)),
            spacing: .milliseconds(integer(.messengerSpacing)),
            allowsKeyOnAnyConnection: boolean(.messengerKeyAnyConnection),
            maximumBytes: integer(.messengerMaximumBytes), usesTLS: boolean(.messengerTLS),
            readsProxyHeader: boolean(.messengerProxyProtocol)
        )
    }

    private func fastChat() -> Settings.FastChat {
        let place = listenAddress(.fastChatHost, .fastChatPort)
        return Settings.FastChat(
            isEnabled: isServed(.fastChatEnabled, place, tls: .fastChatTLS), address: place,
            advertise: address(.fastChatAdvertise), isBridged: boolean(.fastChatBridge),
            spacing: .milliseconds(integer(.fastChatSpacing)), usesTLS: boolean(.fastChatTLS),
            readsProxyHeader: boolean(.fastChatProxyProtocol)
        )
    }

    /// Where a protocol listens that has a port of its own, but an address only if it wants another.
    func listenAddress(_ host: SettingKey, _ port: SettingKey) -> NetworkAddress {
        NetworkAddress(host: optionalText(host) ?? text(.serverHost), port: integer(port))
    }

    /// The machine's name, at most 64 characters.
    private static func hostName() -> String {
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            buffer.initialize(repeating: 0)
            // The last byte stays zero, also when the name is longer than the buffer.
            guard let base = buffer.baseAddress, gethostname(base, buffer.count - 1) == 0 else { return "" }
            return String(cString: base)
        }
        return name.isEmpty ? "localhost" : String(name.prefix(64))
    }

    // The table gives every key its kind, and a value of that kind or a default is there for each key that has one; the
    // tests load the defaults. So these stop the program only when the table and the code above disagree.

    func integer(_ key: SettingKey) -> Int {
        guard case .integer(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func optionalInteger(_ key: SettingKey) -> Int? {
        guard case .integer(let value) = values[key] else { return nil }
        return value
    }

    private func duration(_ key: SettingKey) -> Duration {
        optionalDuration(key) ?? mismatch(key)
    }

    private func optionalDuration(_ key: SettingKey) -> Duration? {
        guard case .duration(let value) = values[key] else { return nil }
        return value
    }

    func boolean(_ key: SettingKey) -> Bool {
        guard case .boolean(let value) = values[key] else { return mismatch(key) }
        return value
    }

    func version(_ key: SettingKey) -> ProtocolVersion {
        guard case .version(let value) = values[key] else { return mismatch(key) }
        return value
    }

    func ranges(_ key: SettingKey) -> [IPRange] {
        guard case .ranges(let value) = values[key] else { return [] }
        return value
    }

    private func origins(_ key: SettingKey) -> [WebOrigin] {
        guard case .origins(let value) = values[key] else { return [] }
        return value
    }

    func rate(_ key: SettingKey) -> Rate? {
        guard case .rate(let value) = values[key] else { return mismatch(key) }
        return value
    }

    private func schedule(_ key: SettingKey) -> BackupSchedule? {
        guard case .schedule(let value) = values[key] else { return nil }
        return value
    }

    private func database(_ key: SettingKey) -> DatabaseLocation {
        guard case .database(let value) = values[key] else { return mismatch(key) }
        return value
    }

    func address(_ key: SettingKey) -> NetworkAddress? {
        guard case .address(let value) = values[key] else { return nil }
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
