// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOSSL
import Settings
import Transport

/// The check `tls`: key and certificates fit together, are not out of date, and are for the names that clients use.
enum CertificateCheck {
    /// A certificate that ends within this time is to be renewed.
    static let renewalSeconds = 14 * 86_400

    /// Looks at the files; whether they can be read at all, the check `settings` says.
    static func examine(_ settings: Settings, now: Int) -> DoctorCheck {
        guard let path = settings.tls.certificateFile else {
            return DoctorCheck(.tls, "No certificate is set: connections are not encrypted.")
        }
        var options = TLSOptions(certificateFile: path, keyFile: settings.tls.keyFile)
        options.certificateAuthorityFile = settings.tls.authorityFile
        do {
            _ = try options.makeConfiguration()
        } catch {
            let finding = SettingsFinding(
                .tlsUnusable, .error, key: SettingKey.tlsCertificateFile.path, message: error.message,
                remedy: "The settings are TLS.CERT_FILE and TLS.KEY_FILE.")
            return DoctorCheck(.tls, "TLS cannot be used.", findings: [finding])
        }
        var findings = exposure(of: settings.tls.keyFile ?? path)
        var end = Int.max
        let certificates = (try? NIOSSLCertificate.fromPEMFile(path)) ?? []
        if let first = certificates.first { findings += nameFindings(first, path: path, settings) }
        for certificate in certificates {
            end = min(end, Int(certificate.notValidAfter))
            findings += self.findings(
                path: path, from: Int(certificate.notValidBefore), until: Int(certificate.notValidAfter), now: now)
        }
        return DoctorCheck(.tls, "The certificate ends in \(max(0, end - now) / 86_400) days.", findings: findings)
    }

    /// A private key that every user of the machine can read is no secret.
    static func exposure(of keyFile: String) -> [SettingsFinding] {
        var status = stat()
        guard stat(keyFile, &status) == 0, status.st_mode & 0o007 != 0 else { return [] }
        return [
            SettingsFinding(
                .tlsKeyOpen, .error, key: SettingKey.tlsKeyFile.path,
                message: "The private key '\(keyFile)' can be read or changed by every user of this machine.",
                remedy: "Run 'chmod 600' on it, and replace the key if others use this machine.")
        ]
    }

    // MARK: Names

    /// Finds names by which the settings send clients here and that the certificate is not for.
    private static func nameFindings(
        _ certificate: NIOSSLCertificate, path: String, _ settings: Settings
    ) -> [SettingsFinding] {
        var hosts = [(SettingKey.serverHost, settings.server.host)]
        if settings.messenger.usesTLS { hosts.append((.messengerHost, settings.messenger.address.host)) }
        if settings.fastChat.usesTLS, let advertised = settings.fastChat.advertise {
            hosts.append((.fastChatAdvertise, advertised.host))
        }
        var names: [String] = []
        var addresses: [[UInt8]] = []
        for name in certificate._subjectAlternativeNames() {
            let bytes = Array(name.contents)
            if name.nameType == .dnsName { names.append(String(decoding: bytes, as: UTF8.self)) }
            if name.nameType == .ipAddress { addresses.append(bytes) }
        }
        var seen: Set<String> = []
        return hosts.compactMap { key, host in
            guard !NetworkAddress.isWildcard(host), !NetworkAddress.isLoopback(host), seen.insert(host).inserted,
                !covers(host, names: names, addresses: addresses)
            else { return nil }
            return SettingsFinding(
                .certificateName, .warning, key: key.path,
                message: "The certificate '\(path)' is not for '\(host)', by which clients reach the server.",
                remedy: names.isEmpty
                    ? "Use a certificate for that name; this one has no DNS names."
                    : "Use a certificate for that name; this one is for \(names.sorted().joined(separator: ", ")).")
        }
    }

    /// Whether a certificate for these names and addresses is for a host.
    static func covers(_ host: String, names: [String], addresses: [[UInt8]]) -> Bool {
        if let address = rawAddress(host) { return addresses.contains(address) }
        let host = host.lowercased()
        return names.contains { name in
            let name = name.lowercased()
            guard name.hasPrefix("*.") else { return name == host }
            // A star stands for one label.
            return host.drop { $0 != "." } == name.dropFirst()
        }
    }

    private static func rawAddress(_ host: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, host, &bytes) == 1 { return bytes }
        }
        return nil
    }

    // MARK: Dates

    /// What the dates of a certificate mean.
    static func findings(path: String, from: Int, until: Int, now: Int) -> [SettingsFinding] {
        func finding(
            _ id: SettingsFinding.ID, _ severity: SettingsFinding.Severity, _ message: String, _ remedy: String
        ) -> [SettingsFinding] {
            [SettingsFinding(id, severity, key: SettingKey.tlsCertificateFile.path, message: message, remedy: remedy)]
        }
        if now >= until {
            return finding(
                .certificateExpired, .error,
                "A certificate in '\(path)' ended \((now - until) / 86_400) days ago.",
                "Renew it, and start the server again.")
        }
        if now < from {
            return finding(
                .certificateEarly, .error, "A certificate in '\(path)' is not valid yet.",
                "Check this machine's clock, or wait.")
        }
        guard until - now < renewalSeconds else { return [] }
        return finding(
            .certificateEnding, .warning,
            "A certificate in '\(path)' ends in \((until - now) / 86_400) days.",
            "Renew it, and start the server again.")
    }
}
