// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import HTTPTypes
import Hummingbird
import Logging

extension Router {
    /// Adds a page that can only be read; other methods get 405.
    ///
    /// - Parameters:
    ///   - path: Where it is.
    ///   - refusal: What other methods get.
    ///   - page: Makes the page, in the form that the client wants if it has several.
    func addPage(
        _ path: RouterPath, _ refusal: Notice, page: @escaping @Sendable (AcceptHeader.Form) async -> Response
    ) {
        self.addAnswers(at: path, refusal) { await page($0.wantedForm) }
    }

    /// The same for a page that asks the request itself what is wanted.
    func addAnswers(
        at path: RouterPath, _ refusal: Notice, page: @escaping @Sendable (Request) async -> Response
    ) {
        self.get(path) { request, _ in await page(request) }
        for method in [HTTPRequest.Method.post, .put, .delete, .patch, .options, .trace, .connect] {
            self.on(path, method: method) { request, _ in refusal.answer(request.wantedForm).with(.allow, "GET, HEAD") }
        }
    }
}

/// Shows our page where there is no other.
struct NotFoundPage: RouterMiddleware {
    typealias Context = BasicRequestContext

    let notice: Notice

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        // The router takes "/livez/" and "//livez" for "/livez": a page has one address.
        let path = request.uri.path.utf8
        var isCanonical = path.last != UInt8(ascii: "/") || path.count == 1
        for (left, right) in zip(path, path.dropFirst()) where left == right && left == UInt8(ascii: "/") {
            isCanonical = false
        }
        guard isCanonical else { return self.notice.answer(request.wantedForm) }
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return self.notice.answer(request.wantedForm)
        }
    }
}

/// Gives each request but those that are repeated all the time a line in the log: method, path without its query,
/// status, client, milliseconds.
struct RequestLog: RouterMiddleware {
    typealias Context = BasicRequestContext

    /// How much of a path is shown.
    private static let maximumPath = 200
    /// What supervisors and open pages ask for again and again.
    private static let repeated: Set = [
        "/livez", "/readyz", "/health", "/version", "/admin/live", "/admin/backups/live",
    ]

    let logger: Logger
    let now: @Sendable () -> Duration

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = self.now()
        let response = try await next(request, context)
        self.note(request, response, since: start)
        return response
    }

    /// Writes the line of a request.
    func note(_ request: Request, _ response: Response, since start: Duration) {
        guard !Self.repeated.contains(request.uri.path) else { return }
        let duration = self.now() - start
        self.logger.info(
            "\(request.method.rawValue) \(request.uri.path.prefix(Self.maximumPath)) \(response.status.code)",
            metadata: [
                // The transport has put the client there.
                "address": "\(request.headers[.xForwardedFor] ?? "unknown")",
                "milliseconds": "\(duration.wholeMilliseconds)",
            ])
    }
}

extension Request {
    fileprivate var wantedForm: AcceptHeader.Form {
        AcceptHeader(self.headers[values: .accept].joined(separator: ",")).form
    }
}
