// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials

/// What shows that a form was made for the browser that sends it: a hash of the browser's cookie, which no other page
/// knows.
struct FormToken: Sendable {
    static let fieldName = "form_token"

    private let hash: TokenHash
    /// What goes into the form.
    var text: String { Hexadecimal.text(hash.bytes) }

    /// The token of the forms of a browser with a cookie.
    init(cookie: String) {
        hash = TokenHash(of: "form " + cookie)
    }

    /// Whether a form has the token; takes the same time for every wrong one.
    func isIn(_ form: FormFields) -> Bool {
        TokenHash(of: form.text(Self.fieldName)) == TokenHash(of: text)
    }
}
