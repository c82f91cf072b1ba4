// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What the addresses mean for strangers: who may register, and where passwords can be read on their way.
extension Settings {
    /// Who may register, once the addresses are taken into account.
    package var effectiveRegistrationMode: RegistrationMode {
        registrationMode ?? (reasonForStrangers == nil ? .open : .closed)
    }

    /// Why registration is as it is: a sentence for the start of the server.
    package var registrationReason: String {
        switch registrationMode {
        case .open: "Registration is open: [REGISTRATION] MODE says so."
        case .invite: "Registration needs an invitation: [REGISTRATION] MODE says so."
        case .closed: "Registration is closed: [REGISTRATION] MODE says so."
        case nil:
            if let reasonForStrangers {
                "Registration is closed because \(reasonForStrangers). Only administrators create accounts. "
                    + "Open it with 'manage config set REGISTRATION.MODE open'."
            } else {
                "Registration is open because the server listens on \(server.host) only: any program on this machine "
                    + "can create an account."
            }
        }
    }

    /// Why others than this machine's users can reach the server; `nil` when they cannot.
    private var reasonForStrangers: String? {
        var hosts = [server.host]
        if messenger.isEnabled { hosts.append(messenger.address.host) }
        if fastChat.isEnabled { hosts.append(fastChat.address.host) }
        if let host = hosts.first(where: { !NetworkAddress.isLoopback($0) }) {
            return "the server listens on \(host), which others can reach"
        }
        if !server.trustedProxies.isEmpty { return "[SERVER] TRUSTED_PROXIES names a proxy, which brings others here" }
        if fastChat.advertise != nil { return "[FASTCHAT] ADVERTISE sends others here" }
        return nil
    }

    /// Ports that others can reach and where passwords are sent in clear, and what is off because of that.
    var frontDoorFindings: [SettingsFinding] {
        var findings: [SettingsFinding] = []
        if !server.isLoopback, tls.keyFile == nil, server.trustedProxies.isEmpty {
            findings.append(
                warning(
                    .clearText, .serverHost,
                    "Passwords and messages cross the network in clear at [SERVER] HOST \(server.host).",
                    "Set KEY_FILE and CERT_FILE of [TLS], or listen on 127.0.0.1 behind a proxy that speaks TLS."))
        }
        if metrics.isEnabled, !NetworkAddress.isLoopback(metrics.address.host) {
            findings.append(
                warning(
                    .metricsOpen, .metricsListen,
                    "Anyone who reaches [METRICS] LISTEN \(metrics.address) can read the server's figures.",
                    "Listen on 127.0.0.1, or let a firewall admit the scraper only."))
        }
        findings += clear(.messengerEnabled, "messenger", messenger.isEnabled, messenger.address, messenger.usesTLS)
        findings += clear(.fastChatEnabled, "FastChat", fastChat.isEnabled, fastChat.address, fastChat.usesTLS)
        return findings
    }

    private func clear(
        _ key: SettingKey, _ name: String, _ isEnabled: Bool, _ address: NetworkAddress, _ usesTLS: Bool
    ) -> [SettingsFinding] {
        guard !usesTLS, !NetworkAddress.isLoopback(address.host) else { return [] }
        if isEnabled {
            return [
                warning(
                    .clearText, key,
                    "Passwords of \(name) clients cross the network in clear at [\(key.section)] \(address).",
                    "Set [\(key.section)] TLS to on, or HOST to 127.0.0.1.")
            ]
        }
        guard resolved.first(where: { $0.key == key })?.text == nil else { return [] }
        return [
            SettingsFinding(
                .clearTextOff, .note, key: key.path,
                message:
                    "\(name) clients are not served: their passwords would cross the network in clear at \(address).",
                remedy: "Set [\(key.section)] TLS to on, or ENABLED to on if that is meant.")
        ]
    }

    private func warning(
        _ id: SettingsFinding.ID, _ key: SettingKey, _ message: String, _ remedy: String
    ) -> SettingsFinding {
        var finding = SettingsFinding(id, .warning, key: key.path, message: message, remedy: remedy)
        if case .file(let path, let line)? = resolved.first(where: { $0.key == key })?.source {
            (finding.file, finding.line) = (path, line)
        }
        return finding
    }

    /// A sentence for each protocol that is off because of where its port is.
    package var protocolNotes: [String] {
        frontDoorFindings.filter { $0.severity == .note }.map { "\($0.message) \($0.remedy)" }
    }
}
