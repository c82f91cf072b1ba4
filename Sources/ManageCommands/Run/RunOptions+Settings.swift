// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import NIOCore
package import Settings
package import Transport

extension RunOptions {
    /// What the options put in place of settings, for `Settings.load`.
    package var overrides: [SettingKey: String] {
        var overrides: [SettingKey: String] = [:]
        overrides[.serverHost] = host
        overrides[.serverPort] = port.map(String.init)
        overrides[.loggingLevel] = logLevel?.rawValue
        overrides[.loggingFormat] = logFormat?.rawValue
        overrides[.tlsKeyFile] = sslKeyFile
        overrides[.tlsCertificateFile] = sslCertificateFile
        overrides[.tlsAuthorityFile] = sslAuthorityFile
        return overrides
    }

    /// What the server does for people.
    package var mode: ServiceMode { isMaintenance ? .maintenance : isReadOnly ? .readOnly : .normal }

    /// Whether WebSockets are served.
    package var servesWebSockets: Bool { webSockets != .none }

    /// Whether the server watches its files and starts again when they change.
    package var reloads: Bool { reload?.isOn ?? false }

    /// Whether the log on the console is coloured; `nil` leaves it to the terminal and `NO_COLOR`.
    package var wantsColors: Bool? { isColorless ? false : useColors?.isOn }

    /// How long an HTTP connection may wait for its next request.
    package var keepAliveTimeout: TimeAmount { .seconds(Int64(timeoutKeepAlive)) }

    /// TLS after the settings, which contain the options' files already, and the options.
    ///
    /// - Returns: `nil` when the settings name no certificate: plain text.
    package func tlsOptions(for settings: Settings) -> TLSOptions? {
        guard let certificate = settings.tls.certificateFile else { return nil }
        var options = TLSOptions(certificateFile: certificate, keyFile: settings.tls.keyFile)
        options.certificateAuthorityFile = settings.tls.authorityFile
        options.clientCertificate = TLSOptions.ClientCertificate(rawValue: sslClientCertificate.rawValue) ?? .required
        if let sslVersion { options.minimumVersion = sslVersion.version }
        options.ciphers = sslCiphers
        return options
    }
}

extension TLSOptionsError: CommandErrorConvertible {
    /// Ends with 78; the words name the file.
    var commandError: CommandError { CommandError(.settings, message) }
}
