// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Settings
import Transport

/// The options of `runserver`: those of uvicorn, each with the effect that it has there.
///
/// Address, log and certificates go before the settings of the same meaning (`overrides`); the rest are plain values.
package struct RunOptions: ParsableArguments {
    /// Levels of uvicorn.
    package enum Level: String, ExpressibleByArgument, CaseIterable, Sendable {
        case critical, error, warning, info, debug, trace
    }

    /// How lines of the log look.
    package enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        case text, json, logfmt
    }

    /// Whether clients have to show a certificate; the numbers of Python's `ssl` module.
    package enum ClientCertificate: Int, ExpressibleByArgument, CaseIterable, Sendable {
        case notAsked = 0
        case optional = 1
        case required = 2
    }

    // MARK: Address

    /// The address to listen on.
    @Option(name: .customLong("host"), help: ArgumentHelp("The address to listen on. (default: SERVER.HOST)"))
    package var host: String?

    /// The port to listen on.
    @Option(
        name: .customLong("port"),
        help: "The TCP port to listen on; 0 lets the system choose. (default: SERVER.PORT)")
    package var port: Int?

    /// How many connections the system keeps until the server accepts them.
    @Option(
        name: .customLong("backlog"),
        help: ArgumentHelp("How many connections may wait to be accepted.", valueName: "connections"))
    package var backlog = 2048

    // MARK: Mode

    /// Whether people may only read.
    @Flag(
        name: .customLong("read-only"),
        help: "People log in and read, and nothing that they send is taken; administrators work as always.")
    package var isReadOnly = false

    /// Whether there are no clients.
    @Flag(
        name: .customLong("maintenance"),
        help: "Administrators only: no clients are served, and /readyz answers 503.")
    package var isMaintenance = false

    // MARK: Log

    /// The least severe level that is logged.
    @Option(name: .customLong("log-level"), help: "The least severe messages that are logged. (default: LOGGING.LEVEL)")
    package var logLevel: Level?

    /// How lines of the log look.
    @Option(name: .customLong("log-format"), help: "Lines for people or for programs. (default: LOGGING.FORMAT)")
    package var logFormat: LogFormat?

    /// Whether the log on the terminal is coloured.
    @Option(
        name: .customLong("use-colors"), defaultAsFlag: SwitchValue.true, parsing: .next,
        help: ArgumentHelp("Colour the log on the console. (default: on a terminal)", valueName: "bool"))
    package var useColors: SwitchValue?

    /// Whether the log on the terminal is not coloured.
    @Flag(name: .customLong("no-use-colors"), help: "Do not colour the log on the console.")
    package var isColorless = false

    // MARK: Limits

    /// From how many connections or requests on a request gets 503.
    @Option(
        name: .customLong("limit-concurrency"),
        help: ArgumentHelp(
            "Answer 503 when this many connections or requests are open. (default: no limit)",
            valueName: "connections"))
    package var limitConcurrency: Int?

    /// After how many requests and upgrades the server ends.
    @Option(
        name: .customLong("limit-max-requests"),
        help: ArgumentHelp(
            "End, with status 0, after this many HTTP requests and upgrades. (default: no limit)",
            valueName: "requests"))
    package var limitMaxRequests: Int?

    /// How long an HTTP connection may wait for its next request, in seconds.
    @Option(
        name: .customLong("timeout-keep-alive"),
        help: ArgumentHelp(
            "Close an HTTP connection that waits this many seconds for its next request.", valueName: "seconds"))
    package var timeoutKeepAlive = 5

    // MARK: Encryption

    /// PEM file of the key.
    @Option(
        name: .customLong("ssl-keyfile"),
        help: ArgumentHelp("The private key, a PEM file. (default: TLS.KEY_FILE)", valueName: "path"),
        completion: .file())
    package var sslKeyFile: String?

    /// PEM file of the certificate and its chain.
    @Option(
        name: .customLong("ssl-certfile"),
        help: ArgumentHelp("The certificate with its chain, a PEM file. (default: TLS.CERT_FILE)", valueName: "path"),
        completion: .file())
    package var sslCertificateFile: String?

    /// PEM file of the authorities of client certificates.
    @Option(
        name: .customLong("ssl-ca-certs"),
        help: ArgumentHelp(
            "The authorities of clients' certificates, a PEM file. (default: TLS.CA_FILE)", valueName: "path"),
        completion: .file())
    package var sslAuthorityFile: String?

    /// Whether clients have to show a certificate.
    @Option(
        name: .customLong("ssl-cert-reqs"),
        help: ArgumentHelp(
            "Certificates of clients: 0 none is asked for, 1 one that is shown must be valid, 2 a valid one is needed.",
            valueName: "number"))
    package var sslClientCertificate = ClientCertificate.notAsked

    /// The oldest version of TLS.
    @Option(
        name: .customLong("ssl-version"),
        help: ArgumentHelp(
            "The oldest version of TLS that is spoken: 1.0, 1.1, 1.2 or 1.3. (default: 1.2)",
            discussion: "Python's numbers are understood: 2 and 17 are the default, 3 is 1.0, 4 is 1.1, 5 is 1.2.",
            valueName: "version"))
    package var sslVersion: TLSVersionWord?

    /// Cipher suites in OpenSSL's language.
    @Option(
        name: .customLong("ssl-ciphers"),
        help: ArgumentHelp(
            "The cipher suites of TLS 1.2 and older, as OpenSSL writes them, such as 'ECDHE+AESGCM:!AES256'. "
                + "(default: the library's choice)",
            valueName: "ciphers"))
    package var sslCiphers: String?

    // MARK: Work

    /// Whether the server starts again when settings, templates or program change.
    @Option(
        name: .customLong("reload"), defaultAsFlag: SwitchValue.true, parsing: .next,
        help: ArgumentHelp(
            "Start again when the settings, the templates or the program file change. (default: no)",
            valueName: "bool"))
    package var reload: SwitchValue?

    /// Whether WebSockets are served.
    @Option(
        name: .customLong("ws"),
        help: "WebSockets: none refuses them; websockets and wsproto are the same as auto here.")
    package var webSockets = WebSocketWord.auto

    // MARK: Without effect

    /// Which HTTP implementation uvicorn uses.
    @Option(name: .customLong("http"), help: "Checked, and without effect: there is one implementation of HTTP.")
    package var http: HTTPWord?

    /// Which event loop uvicorn uses.
    @Option(name: .customLong("loop"), help: "Checked, and without effect: there is one kind of event loop.")
    package var loop: LoopWord?

    /// Whether uvicorn calls the application at start and end.
    @Option(name: .customLong("lifespan"), help: "Checked, and without effect: there is no ASGI application.")
    package var lifespan: LifespanWord?

    /// Which interface uvicorn's application has.
    @Option(name: .customLong("interface"), help: "Checked, and without effect: there is no ASGI application.")
    package var interface: InterfaceWord?

    /// Creates the options as if none were given.
    package init() {}

    /// Refuses what is out of range; opens nothing.
    package func validate() throws {
        try check(.serverHost, host, option: "--host")
        try check(.serverPort, port.map(String.init), option: "--port")
        try check(.tlsKeyFile, sslKeyFile, option: "--ssl-keyfile")
        try check(.tlsCertificateFile, sslCertificateFile, option: "--ssl-certfile")
        try check(.tlsAuthorityFile, sslAuthorityFile, option: "--ssl-ca-certs")
        try check(1...65_535, backlog, option: "--backlog")
        try check(1...1_000_000_000, limitConcurrency, option: "--limit-concurrency")
        try check(1...1_000_000_000_000, limitMaxRequests, option: "--limit-max-requests")
        try check(0...86_400, timeoutKeepAlive, option: "--timeout-keep-alive")
        if isColorless, useColors?.isOn == true {
            throw ValidationError("Please give --use-colors or --no-use-colors, not both.")
        }
        if isReadOnly, isMaintenance {
            throw ValidationError("Please give --read-only or --maintenance, not both.")
        }
        try checkCiphers()
    }

    private func check(_ key: SettingKey, _ text: String?, option: String) throws {
        guard let text else { return }
        do {
            _ = try key.kind.parse(text, folder: "/")
        } catch {
            throw ValidationError("\(option) \(text.quotedForDisplay()) \(error.problem). \(error.remedy)")
        }
    }

    private func check(_ range: ClosedRange<Int>, _ number: Int?, option: String) throws {
        guard let number, !range.contains(number) else { return }
        throw ValidationError(
            "Please give \(option) a whole number from \(range.lowerBound) to \(range.upperBound), not \(number).")
    }

    private func checkCiphers() throws {
        guard let sslCiphers else { return }
        do {
            _ = try CipherExpression(sslCiphers)
        } catch {
            throw ValidationError(
                "--ssl-ciphers: \(error) Choose from: \(CipherExpression.allSuites.joined(separator: ", ")), "
                    + "or groups such as ECDHE+AESGCM.")
        }
    }
}
