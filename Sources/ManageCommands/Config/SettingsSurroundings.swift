// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Telemetry

/// Looks whether the files and folders that settings name can be used.
struct SettingsSurroundings {
    /// The longest path of a Unix socket on Linux, in bytes.
    static let maximumSocketPathBytes = 107

    var settings: Settings

    func findings() -> [SettingsFinding] {
        var findings: [SettingsFinding] = []
        if !Self.isWritableFolder(settings.logging.folder) {
            findings.append(
                finding(
                    .logFolder, .loggingFolder,
                    "The log folder '\(settings.logging.folder)' cannot be written to.",
                    "Make it writable for the user who runs the server, or set LOGGING.FOLDER to another folder."
                )
            )
        }
        findings += templateFindings()
        let socket = settings.admin.socket
        if socket.utf8.count > Self.maximumSocketPathBytes {
            findings.append(
                finding(
                    .socketPath, .adminSocket,
                    "The path of the admin socket has \(socket.utf8.count) bytes; the system allows "
                        + "\(Self.maximumSocketPathBytes).",
                    "Set ADMIN.SOCKET to a shorter path, such as one below /run."
                )
            )
        } else if !Self.isWritableFolder(SettingsFile(path: socket, choice: .option).folder) {
            findings.append(
                finding(
                    .socketFolder, .adminSocket,
                    "The folder of the admin socket '\(socket)' cannot be written to.",
                    "Make it writable for the user who runs the server, or set ADMIN.SOCKET to another path."
                )
            )
        }
        let files: [(SettingKey, String?)] = [
            (.tlsKeyFile, settings.tls.keyFile), (.tlsCertificateFile, settings.tls.certificateFile),
            (.tlsAuthorityFile, settings.tls.authorityFile),
        ]
        for case (let key, let path?) in files where access(path, R_OK) != 0 {
            let reason = String(cString: strerror(errno))
            findings.append(
                finding(
                    .tlsUnusable, key, "The file '\(path)' of [TLS] \(key.name) cannot be read: \(reason).",
                    "Check the path and its rights.")
            )
        }
        return findings
    }

    /// What of the log's templates is printed as it is, because it means nothing.
    func templateFindings() -> [SettingsFinding] {
        let logging = settings.logging
        let templates: [(SettingKey, String)] = [
            (.loggingDebugTemplate, logging.debugTemplate), (.loggingErrorTemplate, logging.errorTemplate),
            (.loggingInfoTemplate, logging.infoTemplate),
        ]
        return templates.flatMap { key, text in
            LogFormatTemplate(text).findings.map { problem in
                finding(
                    .logTemplate, key, "\(key.path): \(problem)",
                    "Fields and colours are listed in docs/configuration.md.", .warning)
            }
        }
    }

    private func finding(
        _ id: SettingsFinding.ID, _ key: SettingKey, _ message: String, _ remedy: String,
        _ severity: SettingsFinding.Severity = .error
    ) -> SettingsFinding {
        var finding = SettingsFinding(id, severity, key: key.path, message: message, remedy: remedy)
        if case .file(let path, let line)? = settings.values().first(where: { $0.key == key })?.source {
            finding.file = path
            finding.line = line
        }
        return finding
    }

    /// Whether a folder can be written to, or could be made because the nearest folder above it can.
    static func isWritableFolder(_ path: String) -> Bool {
        var candidate = path
        while access(candidate, F_OK) != 0, errno == ENOENT, candidate != "/" {
            candidate = SettingsFile(path: candidate, choice: .option).folder
        }
        var status = stat()
        guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
        return access(candidate, W_OK | X_OK) == 0
    }
}
