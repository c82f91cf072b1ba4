// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
import HTTPTypes
import Hummingbird
import NIOCore
package import Operations

/// The admin panel at `/admin`: pages for administrators, rendered here, that work without scripts.
///
/// Each change is an operation of `Operations`; the panel checks who asks, and shows the report or the error's own
/// text.
package struct AdminPanel: Sendable {
    /// What the pages tell of the server beside what operations do.
    package struct Server: Sendable {
        /// The name that the operator gave the server, as it is now.
        package var name: @Sendable () -> String
        /// The version of the program.
        package var version: String
        /// Free and all bytes of the disk that the database is on; `nil` when the database is elsewhere.
        package var disk: @Sendable () -> (free: Int64, total: Int64)?

        package init(
            name: @escaping @Sendable () -> String, version: String,
            disk: @escaping @Sendable () -> (free: Int64, total: Int64)?
        ) {
            self.name = name
            self.version = version
            self.disk = disk
        }
    }

    let operations: OperationContext
    let jobs: JobBoard
    let server: Server
    let history: ServerHistory
    let sessions: AdminSessions
    /// What the database says of itself; counting takes as long as there are rows.
    let database: TimedCache<Result<DatabaseStatus.Report, OperationError>>
    private let origins: Set<WebOrigin>

    /// A panel over a domain that runs.
    ///
    /// - Parameters:
    ///   - operations: What operations work on; the actor is replaced by the administrator.
    ///   - jobs: Runs long operations.
    ///   - server: What the pages tell of the server.
    ///   - history: What the charts show; measured by its own task.
    ///   - origins: Other addresses of this server's own pages, as `[SERVER] ORIGINS` has them.
    package init(
        operations: OperationContext, jobs: JobBoard, server: Server, history: ServerHistory,
        origins: Set<WebOrigin> = []
    ) {
        self.operations = operations
        self.jobs = jobs
        sessions = AdminSessions(chat: operations.chat)
        self.server = server
        self.history = history
        self.origins = origins
        database = TimedCache(lifetime: Self.countLifetime, now: ContinuousClock().elapsedTime()) {
            do throws(OperationError) {
                return .success(try await DatabaseStatus().perform(on: operations))
            } catch {
                return .failure(error)
            }
        }
    }

    /// How old the counts of the overview may be.
    private static let countLifetime = Duration.seconds(30)

    /// Whether a request sends a form, so that its body is read before a page sees it.
    static func takesForm(_ request: Request) -> Bool {
        let path = request.uri.path.utf8
        return request.method == .post && path.starts(with: "/admin".utf8)
    }

    // MARK: Answering

    /// Answers a request for a page that only administrators see.
    func answer(
        _ request: Request, _ context: BasicRequestContext, _ templates: PanelTemplates, _ page: PanelPage
    ) async -> Response {
        let desk = PanelDesk(panel: self, templates: templates)
        var asked: PanelRequest
        switch await admitted(request, at: desk) {
        case .success(let admitted): asked = admitted
        case .failure(let refusal): return refusal.response
        }
        guard let cookie = asked.cookie(PanelCookie.session) else { return .seeOther("/admin/login") }
        let administrator: AdminPrincipal?
        do throws(OperationError) {
            administrator = try await sessions.administrator(SecretText(cookie))
        } catch {
            return desk.refuse(error.status, "Not possible now", error.description).response
        }
        guard let administrator else {
            return .seeOther("/admin/login?ended=1").with(.setCookie, PanelCookie.end(secure: asked.isSecure))
        }
        let visit = PanelVisit(
            desk: desk, request: asked, context: context, administrator: administrator, cookie: SecretText(cookie))
        if request.method == .post, !visit.token.isIn(asked.form) { return desk.staleForm() }
        do throws(OperationError) {
            return try await page(visit)
        } catch {
            return visit.failure(error)
        }
    }

    /// A request whose place, origin and form are in order.
    func admitted(_ request: Request, at desk: PanelDesk) async -> Result<PanelRequest, PanelRefusal> {
        guard var asked = PanelRequest(request) else {
            return .failure(desk.refuse(.badRequest, "Bad request", "The address cannot be read."))
        }
        guard asked.isPlaceAllowed else {
            return .failure(
                desk.refuse(
                    .forbidden, "Not over this connection",
                    "The admin panel is shown over HTTPS only, and on this machine at an address such as 127.0.0.1. "
                        + "Switch on TLS, or name your HTTPS proxy in [SERVER] TRUSTED_PROXIES."))
        }
        guard request.method == .post else { return .success(asked) }
        guard asked.isFromOwnPage(origins) else {
            return .failure(desk.refuse(.forbidden, "Not from here", "The form comes from a page of another place."))
        }
        guard let body = try? await request.body.collect(upTo: WebService.maximumBodyBytes),
            let form = FormFields(body.readableBytesView)
        else {
            return .failure(desk.refuse(.badRequest, "Bad request", "The form cannot be read."))
        }
        asked.form = form
        return .success(asked)
    }
}

/// A page that only administrators see; failures of its operations are shown with their own texts.
typealias PanelPage = @Sendable (PanelVisit) async throws(OperationError) -> Response

/// Why a request gets no page.
struct PanelRefusal: Error {
    let response: Response
}
