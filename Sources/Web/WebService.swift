// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import HTTPTypes
import Hummingbird
package import HummingbirdCore
import JSON
package import Logging
package import NIOCore

/// What the server shows to a browser, a client and a supervisor: `/`, `/chat`, `/balance`, `/version` and the
/// probes `/livez`, `/readyz` and `/health`, and to administrators `/admin`.
///
/// But for the admin panel only reading is possible, and nothing needs a login, so all of it is fit for strangers. What
/// is below `/admin/api/` is answered by a closure, which asks for a token.
package struct WebService: Sendable {
    /// How long counts and checks are kept: a flood of requests asks for them once in this time.
    package static let lifetime = Duration.seconds(1)
    /// How much of a request body is read and thrown away before the connection is closed instead.
    package static let maximumBodyBytes = 64 * 1024

    private let templates: PageTemplates
    private let panelTemplates: PanelTemplates?
    private let home: TimedCache<HomePage>
    private let readiness: TimedCache<ReadinessReport>
    private let router: RouterResponder<BasicRequestContext>
    private let api: (@Sendable (APICall) async -> APIAnswer)?
    private let requestLog: RequestLog?
    private let refusal: Notice
    private let logger: Logger
    private let version: ByteBuffer
    private static let alive = ByteBuffer(string: #"{"version":1,"alive":true}"#)
    private static let noServer = ByteBuffer(string: #"{"version":1,"error":"no_server"}"#)

    /// Loads the templates.
    ///
    /// - Parameters:
    ///   - version: That of the program, for `/version`.
    ///   - status: Tells what the home page shows; `nil` when the database is not available.
    ///   - readiness: Makes the checks of `/readyz`. Requests wait for both closures, so these must end within seconds.
    ///   - balance: Chooses the server for one client more, for `/balance`; without it there is no such page.
    ///   - api: Answers what is below `/admin/api/`; without it there is no such page.
    ///   - servesChat: Whether there is the chat for browsers at `/chat`, which needs MTP on the same port.
    ///   - closedPaths: Where a server in maintenance answers that it is: the addresses of WebSockets, and `/chat`
    ///     if it would be served otherwise.
    ///   - panel: The pages for administrators at `/admin`; without it there are none.
    ///   - templatesFolder: Where `home.mustache` and others may be, which replace the built-in pages.
    ///   - clock: Measures how long counts and checks are kept.
    ///   - logsRequests: Whether each request but those of supervisors gets a line in the log: method, path without its
    ///     query, status, peer, milliseconds.
    ///   - logger: Is told when a check begins to fail and when it passes again.
    /// - Throws: ``TemplateError`` that names file and line when the operator's template is broken.
    package init(
        version: String,
        status: @escaping @Sendable () async -> ServerStatus?,
        readiness: @escaping @Sendable () async -> [ReadinessCheck],
        balance: (@Sendable () async -> ServerChoice?)? = nil,
        api: (@Sendable (APICall) async -> APIAnswer)? = nil,
        servesChat: Bool = false,
        closedPaths: [String] = [],
        panel: AdminPanel? = nil,
        templatesFolder: String?,
        clock: any Clock<Duration> = ContinuousClock(),
        logsRequests: Bool = false,
        logger: Logger
    ) throws(TemplateError) {
        let templates = try PageTemplates(folder: templatesFolder)
        let monitor = ReadinessMonitor(checks: readiness, logger: logger)
        let now = clock.elapsedTime()
        let home = TimedCache(lifetime: Self.lifetime, now: now) {
            HomePage(await status(), hasChat: servesChat, hasPanel: panel != nil, templates: templates)
        }
        let readiness = TimedCache(lifetime: Self.lifetime, now: now) { await monitor.report() }
        self.version = Self.versionAnswer(version)
        self.templates = templates
        self.home = home
        self.readiness = readiness
        self.api = api
        self.logger = logger

        let router = Router(options: .autoGenerateHeadEndpoints)
        let requestLog = logsRequests ? RequestLog(logger: logger, now: now) : nil
        self.requestLog = requestLog
        if let requestLog { router.add(middleware: requestLog) }
        router.add(middleware: NotFoundPage(notice: .notFound(templates)))
        let refusal = Notice.methodNotAllowed(templates)
        self.refusal = refusal
        router.addPage("/", refusal) { form in
            let page = await home.value()
            let status = page.isComplete ? HTTPResponse.Status.ok : .serviceUnavailable
            return (form == .json ? Response.json(status, page.json) : .html(status, page.html)).with(.vary, "Accept")
        }
        Self.addProbes(to: router, refusal, readiness, version: self.version)
        if let balance {
            router.addPage("/balance", refusal) { _ in
                let choice = await balance()
                return .json(choice == nil ? .serviceUnavailable : .ok, choice?.json ?? Self.noServer)
            }
        }
        if servesChat { ChatPage.add(to: router, refusal) }
        if !closedPaths.isEmpty {
            let maintenance = Notice.maintenance(templates)
            for path in closedPaths { router.addPage(RouterPath(path), refusal) { maintenance.answer($0) } }
        }
        self.panelTemplates = panel == nil ? nil : try PanelTemplates(folder: templatesFolder)
        if let panel, let panelTemplates { panel.add(to: router, panelTemplates, refusal) }
        self.router = router.buildResponder()
    }

    /// Reads the operator's template again; every later request gets the new page.
    ///
    /// - Parameter folder: Where it is now.
    /// - Throws: ``TemplateError``; then the page stays as it was.
    package func reload(templatesFolder folder: String?) async throws(TemplateError) {
        try self.templates.reload(from: folder)
        try self.panelTemplates?.reload(from: folder)
        await self.home.invalidate()
    }

    /// Whether the operator's templates can be used.
    ///
    /// - Throws: ``TemplateError``, as the initializer.
    package static func checkTemplates(in folder: String?) throws(TemplateError) {
        _ = try PageTemplates(folder: folder)
        _ = try PanelTemplates(folder: folder)
    }

    /// Makes the next request for `/readyz` look anew.
    package func forgetReadiness() async {
        await self.readiness.invalidate()
    }

    /// Whether `/readyz` says that the server is ready.
    package func isReady() async -> Bool { await self.readiness.value().isReady }

    /// What serves requests, an `HTTPChannelHandler.Responder`.
    package typealias Responder = @Sendable (Request, consuming ResponseWriter, any Channel) async throws -> Void

    /// What a listener for clients serves requests with.
    package var responder: Responder {
        { request, writer, channel in
            let body = APICallBody(request)
            if let api = self.api, let call = APICall(request, body: body) {
                let start = self.requestLog?.now() ?? .zero
                let response = Response(await api(call))
                self.requestLog?.note(request, response, since: start)
                try await Self.write(response, to: request, writer)
            } else if self.panelTemplates != nil, AdminPanel.takesForm(request) {
                return try await self.answerForm(request, writer, channel)
            } else {
                let context = BasicRequestContext(
                    source: ApplicationRequestContextSource(channel: channel, logger: self.logger))
                try await Self.write(self.router.respond(to: request, context: context), to: request, writer)
            }
            switch body.rest {
            case .all: try await Self.discardBody(of: request, from: channel)
            case .nothing: break
            case .tooMuch: channel.close(mode: .output, promise: nil)
            }
        }
    }

    /// What a listener for scrapers serves requests with: `/metrics`, `/version` and the probes.
    ///
    /// `metrics` makes the content, as OpenMetrics or in the older form, with its type.
    package func responder(
        metrics: @escaping @Sendable (_ isOpenMetrics: Bool) async -> (type: String, text: String)
    ) -> Responder {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: NotFoundPage(notice: .notFound(self.templates)))
        Self.addProbes(to: router, self.refusal, self.readiness, version: self.version)
        MetricsPage.add(to: router, self.refusal, metrics)
        return Self.responder(router.buildResponder(), self.logger)
    }

    private static func addProbes(
        to router: Router<BasicRequestContext>, _ refusal: Notice, _ readiness: TimedCache<ReadinessReport>,
        version: ByteBuffer
    ) {
        router.addPage("/livez", refusal) { _ in .json(.ok, Self.alive) }
        for path: RouterPath in ["/readyz", "/health"] {
            router.addPage(path, refusal) { _ in
                let report = await readiness.value()
                return .json(report.isReady ? .ok : .serviceUnavailable, report.json)
            }
        }
        router.addPage("/version", refusal) { _ in .json(.ok, version) }
    }

    private static func versionAnswer(_ version: String) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("name", "Parley")
        writer.member("version", version)
        writer.endObject()
        return ByteBuffer(bytes: writer.bytes)
    }

    private static func responder(_ router: RouterResponder<BasicRequestContext>, _ logger: Logger) -> Responder {
        { request, writer, channel in
            let context = BasicRequestContext(
                source: ApplicationRequestContextSource(channel: channel, logger: logger))
            try await write(router.respond(to: request, context: context), to: request, writer)
            try await discardBody(of: request, from: channel)
        }
    }

    /// Reads a form before a page sees it; one that is too large ends the connection.
    private func answerForm(
        _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        var request = request
        do {
            _ = try await request.collectBody(upTo: Self.maximumBodyBytes)
        } catch is NIOTooManyBytesError {
            let response = Response.panel(.contentTooLarge, html: "The form is too large.")
            try await Self.write(response, to: request, writer)
            return channel.close(mode: .output, promise: nil)
        }
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(channel: channel, logger: self.logger))
        try await Self.write(self.router.respond(to: request, context: context), to: request, writer)
    }

    private static func write(
        _ response: Response, to request: Request, _ writer: consuming ResponseWriter
    ) async throws {
        if request.method == .head {
            try await writer.writeResponse(response.head)
        } else {
            try await writer.write(response: response.head, body: response.body)
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
