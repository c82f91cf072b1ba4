// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The status of an answer: a code and phrase of HTTP.
///
/// A case's number is its code. Clients look at the first three characters of `text` and at nothing else.
package enum SkaroStatus: Int, CaseIterable, Sendable {
    case ok = 200
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case conflict = 409
    case gone = 410
    case payloadTooLarge = 413
    case tooManyRequests = 429
    case internalServerError = 500
    case serviceUnavailable = 503
    case gatewayTimeout = 504

    /// Corresponds to the member `status`, such as `200 OK`.
    package var text: StaticString {
        switch self {
        case .ok: "200 OK"
        case .badRequest: "400 Bad Request"
        case .unauthorized: "401 Unauthorized"
        case .forbidden: "403 Forbidden"
        case .notFound: "404 Not Found"
        case .methodNotAllowed: "405 Method Not Allowed"
        case .conflict: "409 Conflict"
        case .gone: "410 Gone"
        case .payloadTooLarge: "413 Payload Too Large"
        case .tooManyRequests: "429 Too Many Requests"
        case .internalServerError: "500 Internal Server Error"
        case .serviceUnavailable: "503 Service Unavailable"
        case .gatewayTimeout: "504 Gateway Timeout"
        }
    }
}

/// Why a request is refused: the status, and a sentence for a person.
package struct SkaroRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package var status: SkaroStatus
    /// Corresponds to the member `info`; nothing of what the request said.
    package var info: String

    package init(_ status: SkaroStatus, _ info: String) {
        self.status = status
        self.info = info
    }

    /// The answer to an unknown `type`.
    package static let unknownMethod = SkaroRefusal(.methodNotAllowed, "There is no request of this type.")
    /// The answer to what must wait for the login.
    package static let notAuthorized = SkaroRefusal(.unauthorized, "Log in first: send authorize or session_restore.")

    package var description: String { "\(status.text): \(info)" }
}
