// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import HTTPTypes
package import HummingbirdCore
package import Logging
package import NIOCore

/// What the server shows to a browser, a client and a supervisor: `/`, `/balance`, `/livez` and `/readyz`.
///
/// Only reading is possible, and nothing needs a login, so all of it is fit for strangers.
package struct WebService: Sendable {
    /// How long counts and checks are kept: a flood of requests asks for them once in this time.
    package static let lifetime = Duration.seconds(1)
    /// How much of a request body is read and thrown away before the connection is closed instead.
    package static let maximumBodyBytes = 64 * 1024

    /// How much of a path is shown in the log.
    private static let maximumLoggedPath = 200

    private let now: @Sendable () -> Duration
    private let requestLog: Logger?
    private let templates: PageTemplates
    private let home: TimedCache<HomePage>
    private let readiness: TimedCache<ReadinessReport>
    private let balance: (@Sendable () async -> ServerChoice?)?
    private let notFound: Notice
    private let methodNotAllowed: Notice
    private static let alive = ByteBuffer(string: #"{"version":1,"alive":true}"#)
    private static let noServer = ByteBuffer(string: #"{"version":1,"error":"no_server"}"#)

    /// Loads the templates.
    ///
    /// - Parameters:
    ///   - status: Tells what the home page shows; `nil` when the database is not available.
    ///   - readiness: Makes the checks of `/readyz`. Requests wait for both closures, so these must end within seconds.
    ///   - balance: Chooses the server for one client more, for `/balance`; without it there is no such page.
    ///   - templatesFolder: Where `home.mustache` may be, which replaces the built-in page.
    ///   - clock: Measures how long counts and checks are kept.
    ///   - logsRequests: Whether each request but those of supervisors gets a line in the log: method, path without its
    ///     query, status, peer, milliseconds.
    ///   - logger: Is told when a check begins to fail and when it passes again.
    /// - Throws: ``TemplateError`` that names file and line when the operator's template is broken.
    package init(
        status: @escaping @Sendable () async -> ServerStatus?,
        readiness: @escaping @Sendable () async -> [ReadinessCheck],
        balance: (@Sendable () async -> ServerChoice?)? = nil,
        templatesFolder: String?,
        clock: any Clock<Duration> = ContinuousClock(),
        logsRequests: Bool = false,
        logger: Logger
    ) throws(TemplateError) {
        let templates = try PageTemplates(folder: templatesFolder)
        let monitor = ReadinessMonitor(checks: readiness, logger: logger)
        let now = clock.elapsedTime()
        self.balance = balance
        self.now = now
        self.requestLog = logsRequests ? logger : nil
        self.templates = templates
        self.home = TimedCache(lifetime: Self.lifetime, now: now) { HomePage(await status(), templates: templates) }
        self.readiness = TimedCache(lifetime: Self.lifetime, now: now) { await monitor.report() }
        self.notFound = .notFound(templates)
        self.methodNotAllowed = .methodNotAllowed(templates)
    }

    /// Reads the operator's template again; every later request gets the new page.
    ///
    /// - Throws: ``TemplateError``; then the page stays as it was.
    package func reload() async throws(TemplateError) {
        try self.templates.reload()
        await self.home.invalidate()
    }

    /// Whether the operator's templates can be used.
    ///
    /// - Throws: ``TemplateError``, as the initializer.
    package static func checkTemplates(in folder: String?) throws(TemplateError) {
        _ = try PageTemplates(folder: folder)
    }

    /// Makes the next request for `/readyz` look anew.
    package func forgetReadiness() async {
        await self.readiness.invalidate()
    }

    /// What a listener serves requests with, an `HTTPChannelHandler.Responder`.
    package var responder: @Sendable (Request, consuming ResponseWriter, any Channel) async throws -> Void {
        { request, writer, channel in
            let start = self.now()
            let answer = await self.answer(to: request)
            self.log(request, answer.head.status.code, self.now() - start)
            if request.method == .head {
                try await writer.writeResponse(answer.head)
            } else {
                try await writer.write(response: answer.head, body: ResponseBody(byteBuffer: answer.body))
            }
            try await Self.discardBody(of: request, from: channel)
        }
    }

    private func log(_ request: Request, _ status: Int, _ duration: Duration) {
        guard let requestLog, !["/livez", "/readyz"].contains(request.uri.path) else { return }
        requestLog.info(
            "\(request.method.rawValue) \(request.uri.path.prefix(Self.maximumLoggedPath)) \(status)",
            metadata: [
                // The transport has put the client there.
                "address": "\(request.headers[.xForwardedFor] ?? "unknown")",
                "milliseconds": "\(duration.wholeMilliseconds)",
            ])
    }

    private func answer(to request: Request) async -> WebAnswer {
        let form = AcceptHeader(request.headers[values: .accept].joined(separator: ",")).form
        let path = request.uri.path
        guard ["/", "/livez", "/readyz"].contains(path) || path == "/balance" && self.balance != nil else {
            return self.notFound.answer(form).with(.vary, "Accept")
        }
        guard request.method == .get || request.method == .head else {
            return self.methodNotAllowed.answer(form).with(.vary, "Accept").with(.allow, "GET, HEAD")
        }
        switch path {
        case "/livez":
            return .json(.ok, Self.alive)
        case "/readyz":
            let report = await self.readiness.value()
            return .json(report.isReady ? .ok : .serviceUnavailable, report.json)
        case "/balance":
            let choice = await self.balance?()
            return .json(choice == nil ? .serviceUnavailable : .ok, choice?.json ?? Self.noServer)
        default:
            let page = await self.home.value()
            let status = page.isComplete ? HTTPResponse.Status.ok : .serviceUnavailable
            let answer = form == .json ? WebAnswer.json(status, page.json) : .html(status, page.html)
            return answer.with(.vary, "Accept")
        }
    }

    /// Reads a body, which no page wants, as far as it is small; a larger one ends the connection after the answer.
    private static func discardBody(of request: Request, from channel: any Channel) async throws {
        if let length = request.headers[.contentLength] {
            guard let length = Int(length), length <= self.maximumBodyBytes else {
                return channel.close(mode: .output, promise: nil)
            }
            guard length > 0 else { return }
        } else if request.headers[.transferEncoding] == nil {
            return
        }
        var count = 0
        for try await part in request.body {
            count += part.readableBytes
            if count > self.maximumBodyBytes { return channel.close(mode: .output, promise: nil) }
        }
    }
}

extension HTTPField.Name {
    /// Where the transport names the client of a request.
    fileprivate static let xForwardedFor = HTTPField.Name("X-Forwarded-For") ?? .from
}
