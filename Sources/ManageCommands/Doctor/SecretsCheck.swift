// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Operations
import Settings

/// The check `secrets`: the key file is there, can be read by the server only, and opens what the database holds.
struct SecretsCheck {
    let settings: Settings

    private var path: String { settings.secrets.keyFile }

    /// Looks at the file, and at the database if `canRead` says that there is one.
    func examine(canRead: Bool) async -> DoctorCheck {
        guard settings.needsKeyFile else {
            return DoctorCheck(.secrets, "No protocol that is switched on needs the key file.")
        }
        let isThere: Bool
        do {
            isThere = try SecretKeyFile(path: path).existingSealer() != nil
        } catch {
            return DoctorCheck(
                .secrets, "The key file cannot be used.",
                findings: [Self.finding(.keyFileUnusable, .error, error.message, "The setting is SECRETS.KEY_FILE.")])
        }
        var sealed: CheckSecrets.Report?
        if canRead { sealed = try? await OperationRunner(settings: settings).run(CheckSecrets()) }
        return DoctorCheck(
            .secrets, isThere ? "The key file \(path) is in order." : "There is no key file yet.",
            findings: Self.findings(path: path, isThere: isThere, sealed: sealed))
    }

    /// What it means that secrets are sealed with a key that is there or not.
    static func findings(path: String, isThere: Bool, sealed: CheckSecrets.Report?) -> [SettingsFinding] {
        guard let sealed, sealed.holdsSecrets else { return [] }
        if !isThere {
            return [
                finding(
                    .keyFileMissing, .error,
                    "The key file '\(path)' is missing, and the database holds secrets sealed with it.",
                    "Restore it from a copy before the server starts, which would make another one.")
            ]
        }
        let restore = "Restore the former key file or append its keys to this one; otherwise"
        var findings: [SettingsFinding] = []
        if sealed.unopened > 0 {
            findings.append(
                finding(
                    .keyFileOther, .warning,
                    "The key file '\(path)' does not open the secrets of \(sealed.unopened) of \(sealed.sealed) "
                        + "accounts: they cannot log in over skaro.",
                    "\(restore) each account's next login with a password over another protocol repairs it."))
        }
        if sealed.unopenedKeys > 0 {
            findings.append(
                finding(
                    .keyFileOther, .warning,
                    "The key file '\(path)' does not open \(sealed.unopenedKeys) of \(sealed.heldKeys) keys that the "
                        + "server holds for FastChat.",
                    "\(restore) the server replaces each key when a client next asks for it, but not while another "
                        + "server on the same database is running. Stored messages are not affected."))
        }
        if sealed.unopenedFactors > 0 {
            findings.append(
                finding(
                    .keyFileOther, .warning,
                    "The key file '\(path)' does not open the second factor of \(sealed.unopenedFactors) of "
                        + "\(sealed.factors) administrators: they cannot log in to the admin panel.",
                    "\(restore) replace each one with 'manage superuser-totp NAME disable' and 'enable'."))
        }
        return findings
    }

    private static func finding(
        _ id: SettingsFinding.ID, _ severity: SettingsFinding.Severity, _ message: String, _ remedy: String
    ) -> SettingsFinding {
        SettingsFinding(id, severity, key: SettingKey.secretsKeyFile.path, message: message, remedy: remedy)
    }
}
