// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Credentials
import HTTPTypes
import Hummingbird

/// What the panel looks at of a request: where it comes from, its cookies and its fields.
struct PanelRequest: Sendable {
    /// Whether the browser speaks TLS, with this server or with a trusted proxy.
    let isSecure: Bool
    /// Where the browser is.
    let address: String
    /// The path without the fields.
    let path: String
    /// The fields of the address.
    let query: FormFields
    /// The fields of the form; none unless it is one that was sent.
    var form = FormFields()
    private let host: String?
    private let headers: HTTPFields

    /// Looks at a request; `nil` when its address is broken.
    init?(_ request: Request) {
        guard let query = FormFields((request.uri.query ?? "").utf8) else { return nil }
        self.query = query
        path = request.uri.path
        headers = request.headers
        // The transport has put both there, whatever the client sent.
        isSecure = Self.isEqual(request.headers[.xForwardedProto], "https")
        address = request.headers[.xForwardedFor] ?? "unknown"
        host = request.head.authority
    }

    /// Whether the panel is shown at all: passwords and cookies cross no network in clear.
    ///
    /// A browser of this machine has to name it by an address or `localhost`: another name may be one that a page
    /// elsewhere had pointed here.
    var isPlaceAllowed: Bool {
        if isSecure { return true }
        guard IPAddress(address)?.isLoopback == true else { return false }
        return own?.hasFixedHost == true
    }

    /// Whether a form was sent by a page of this server, as far as the browser says.
    ///
    /// The token of the form decides for browsers that say nothing.
    func isFromOwnPage(_ others: Set<WebOrigin>) -> Bool {
        if let site = headers[.secFetchSite], !Self.isEqual(site, "same-origin") { return false }
        let origins = headers[values: .origin]
        guard let text = origins.first else { return true }
        guard origins.count == 1, let origin = WebOrigin(text) else { return false }
        return origin == own || others.contains(origin)
    }

    /// The value of a cookie of the panel's: hexadecimal digits, or `nil`.
    func cookie(_ name: String) -> String? {
        for header in headers[values: .cookie] {
            for part in header.utf8.split(separator: UInt8(ascii: ";")) {
                let pair = part.drop { $0 == UInt8(ascii: " ") }
                guard pair.starts(with: name.utf8) else { continue }
                let rest = pair.dropFirst(name.utf8.count)
                guard rest.first == UInt8(ascii: "=") else { continue }
                let value = rest.dropFirst()
                guard (32...128).contains(value.count), value.allSatisfy(Self.isDigit) else { return nil }
                return String(decoding: value, as: UTF8.self)
            }
        }
        return nil
    }

    private var own: WebOrigin? {
        host.flatMap { WebOrigin(scheme: isSecure ? "https" : "http", authority: $0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func isEqual(_ value: String?, _ word: String) -> Bool {
        value?.utf8.elementsEqual(word.utf8) == true
    }
}

extension HTTPField.Name {
    /// Where a browser says which pages a request comes from.
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .from
}
