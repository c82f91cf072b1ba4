// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A cookie of the panel's as a header sets it: for the panel only, out of reach of scripts and of other sites.
struct PanelCookie: Sendable {
    /// The token of a login.
    static let session = "parley_admin"
    /// What the form of the login belongs to, before there is a session.
    static let login = "parley_admin_login"

    let name: String
    /// Empty to take the cookie away.
    let value: String
    let seconds: Int64
    let isSecure: Bool

    /// Takes the token of a login away.
    static func end(secure: Bool) -> String {
        PanelCookie(name: session, value: "", seconds: 0, isSecure: secure).header
    }

    var header: String {
        let lifetime = value.isEmpty ? 0 : seconds
        return "\(name)=\(value); Path=/admin; Max-Age=\(lifetime); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}
