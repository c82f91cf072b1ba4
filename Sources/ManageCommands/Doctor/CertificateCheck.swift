// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Settings
import Transport

/// The check `tls`: key and certificates fit together and are not out of date.
enum CertificateCheck {
    /// A certificate that ends within this time is to be renewed.
    static let renewalSeconds = 14 * 86_400

    /// Looks at the files; whether they can be read at all, the check `settings` says.
    static func examine(_ settings: Settings, now: Int) -> DoctorCheck {
        guard let path = settings.tls.certificateFile else {
            return DoctorCheck("tls", "No certificate is set: connections are not encrypted.")
        }
        var options = TLSOptions(certificateFile: path, keyFile: settings.tls.keyFile)
        options.certificateAuthorityFile = settings.tls.authorityFile
        do {
            _ = try options.makeConfiguration()
        } catch {
            let finding = SettingsFinding(
                .error, key: SettingKey.tlsCertificateFile.path, message: error.message,
                remedy: "The settings are TLS.CERT_FILE and TLS.KEY_FILE.")
            return DoctorCheck("tls", "TLS cannot be used.", findings: [finding])
        }
        var findings: [SettingsFinding] = []
        var end = Int.max
        for certificate in (try? NIOSSLCertificate.fromPEMFile(path)) ?? [] {
            end = min(end, Int(certificate.notValidAfter))
            findings += self.findings(
                path: path, from: Int(certificate.notValidBefore), until: Int(certificate.notValidAfter), now: now)
        }
        return DoctorCheck("tls", "The certificate ends in \(max(0, end - now) / 86_400) days.", findings: findings)
    }

    /// What the dates of a certificate mean.
    static func findings(path: String, from: Int, until: Int, now: Int) -> [SettingsFinding] {
        func finding(_ severity: SettingsFinding.Severity, _ message: String, _ remedy: String) -> [SettingsFinding] {
            [SettingsFinding(severity, key: SettingKey.tlsCertificateFile.path, message: message, remedy: remedy)]
        }
        if now >= until {
            return finding(
                .error, "A certificate in '\(path)' ended \((now - until) / 86_400) days ago.",
                "Renew it, and start the server again.")
        }
        if now < from {
            return finding(
                .error, "A certificate in '\(path)' is not valid yet.", "Check this machine's clock, or wait.")
        }
        guard until - now < renewalSeconds else { return [] }
        return finding(
            .warning, "A certificate in '\(path)' ends in \((until - now) / 86_400) days.",
            "Renew it, and start the server again.")
    }
}
