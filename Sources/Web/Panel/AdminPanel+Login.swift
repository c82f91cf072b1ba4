// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import HTTPTypes
import Hummingbird
import Operations

/// How administrators come in and go out.
extension AdminPanel {
    /// The page with the form; every browser gets a cookie that the form belongs to.
    func loginPage(_ request: Request, _ templates: PanelTemplates) async -> Response {
        let desk = PanelDesk(panel: self, templates: templates)
        switch await admitted(request, at: desk) {
        case .success(let asked):
            return loginPage(asked, desk, notice: asked.query.isOn("ended") ? "Your session has ended." : nil)
        case .failure(let refusal): return refusal.response
        }
    }

    /// Checks name, password and code, and opens a session with a token of its own, whatever cookie was there before.
    func logIn(_ request: Request, _ templates: PanelTemplates) async -> Response {
        let desk = PanelDesk(panel: self, templates: templates)
        let asked: PanelRequest
        switch await admitted(request, at: desk) {
        case .success(let admitted): asked = admitted
        case .failure(let refusal): return refusal.response
        }
        guard let cookie = asked.cookie(PanelCookie.login), FormToken(cookie: cookie).isIn(asked.form) else {
            return loginPage(asked, desk, .forbidden, error: "The form was out of date. Please log in again.")
        }
        do throws(OperationError) {
            let token = try await sessions.logIn(
                name: asked.form.text("username"), password: SecretText(asked.form.text("password")),
                code: asked.form.text("code"), from: Origin(protocol: "admin", address: asked.address))
            if let former = asked.cookie(PanelCookie.session) {
                // A browser has one login.
                try? await sessions.logOut(SecretText(former))
            }
            let session = PanelCookie(
                name: PanelCookie.session, value: token.clearText, seconds: AdminSessions.lifetimeSeconds,
                isSecure: asked.isSecure)
            let login = PanelCookie(name: PanelCookie.login, value: "", seconds: 0, isSecure: asked.isSecure)
            var response = Response.seeOther("/admin")
            response.headers.append(HTTPField(name: .setCookie, value: session.header))
            response.headers.append(HTTPField(name: .setCookie, value: login.header))
            return response
        } catch {
            return loginPage(asked, desk, error.loginStatus, error: error.description)
        }
    }

    /// Ends the session, and takes the cookie away.
    static func logOut(_ visit: PanelVisit) async throws(OperationError) -> Response {
        if let token = visit.request.cookie(PanelCookie.session) {
            try await visit.panel.sessions.logOut(SecretText(token))
        }
        return .seeOther("/admin/login").with(.setCookie, PanelCookie.end(secure: visit.request.isSecure))
    }

    private func loginPage(
        _ asked: PanelRequest, _ desk: PanelDesk, _ status: HTTPResponse.Status = .ok, notice: String? = nil,
        error: String? = nil
    ) -> Response {
        var random = SecureRandom()
        let known = asked.cookie(PanelCookie.login)
        let value = known ?? Token(byteCount: 32, using: &random).text
        var values: [String: Any] = [
            "token": FormToken(cookie: value).text, "username": asked.form.text("username"),
        ]
        if let notice { values["notice"] = notice }
        if let error { values["error"] = error }
        let response = desk.page("admin-login", status, title: "Log in", values)
        guard known == nil else { return response }
        let cookie = PanelCookie(
            name: PanelCookie.login, value: value, seconds: Self.formSeconds, isSecure: asked.isSecure)
        return response.with(.setCookie, cookie.header)
    }

    /// How long the form may be left open.
    private static let formSeconds: Int64 = 3600
}

extension OperationError {
    /// The status of the login's page; what of name, password and code was wrong is not told.
    fileprivate var loginStatus: HTTPResponse.Status {
        switch kind {
        case .busy, .tooMany: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .failed: .internalServerError
        case .notFound, .exists, .refused, .invalid: .unauthorized
        }
    }
}
