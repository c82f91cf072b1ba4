// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension MTPStatus {
    /// What is known about one status besides its code.
    struct Row: Sendable {
        var name: String
        var phrase: String
        var description: String
    }

    var row: Row {
        switch self {
        case .`continue`: Row(name: "CONTINUE", phrase: "Continue", description: "The rest of the request may follow")
        case .switchingProtocols:
            Row(
                name: "SWITCHING_PROTOCOLS", phrase: "Switching Protocols",
                description: "The connection changes to the protocol asked for")
        case .processing: Row(name: "PROCESSING", phrase: "Processing", description: "The work has begun")
        case .earlyHints:
            Row(name: "EARLY_HINTS", phrase: "Early Hints", description: "Some headers come ahead of the answer")
        case .ok: Row(name: "OK", phrase: "OK", description: "Done")
        case .created: Row(name: "CREATED", phrase: "Created", description: "What was asked for exists now")
        case .accepted: Row(name: "ACCEPTED", phrase: "Accepted", description: "The work is accepted and goes on")
        case .nonAuthoritativeInformation:
            Row(
                name: "NON_AUTHORITATIVE_INFORMATION", phrase: "Non-Authoritative Information",
                description: "The answer comes from a copy")
        case .noContent:
            Row(name: "NO_CONTENT", phrase: "No Content", description: "Done, and there is nothing to say")
        case .resetContent: Row(name: "RESET_CONTENT", phrase: "Reset Content", description: "Done; clear the form")
        case .partialContent:
            Row(name: "PARTIAL_CONTENT", phrase: "Partial Content", description: "There is more than this answer holds")
        case .multiStatus:
            Row(name: "MULTI_STATUS", phrase: "Multi-Status", description: "The answer holds several statuses")
        case .alreadyReported:
            Row(name: "ALREADY_REPORTED", phrase: "Already Reported", description: "Listed already in this answer")
        case .imUsed:
            Row(name: "IM_USED", phrase: "IM Used", description: "The answer is a difference to what was held before")
        case .multipleChoices:
            Row(name: "MULTIPLE_CHOICES", phrase: "Multiple Choices", description: "There are several to choose from")
        case .movedPermanently:
            Row(name: "MOVED_PERMANENTLY", phrase: "Moved Permanently", description: "It moved for good")
        case .found: Row(name: "FOUND", phrase: "Found", description: "It is elsewhere for now")
        case .seeOther: Row(name: "SEE_OTHER", phrase: "See Other", description: "See elsewhere")
        case .notModified: Row(name: "NOT_MODIFIED", phrase: "Not Modified", description: "It has not changed")
        case .useProxy:
            Row(name: "USE_PROXY", phrase: "Use Proxy", description: "It is only to be had through a proxy")
        case .temporaryRedirect:
            Row(
                name: "TEMPORARY_REDIRECT", phrase: "Temporary Redirect",
                description: "It is elsewhere for now; repeat the request there")
        case .permanentRedirect:
            Row(
                name: "PERMANENT_REDIRECT", phrase: "Permanent Redirect",
                description: "It moved for good; repeat the request there")
        case .badRequest:
            Row(name: "BAD_REQUEST", phrase: "Bad Request", description: "The request is wrong or incomplete")
        case .unauthorized: Row(name: "UNAUTHORIZED", phrase: "Unauthorized", description: "Log in first")
        case .paymentRequired:
            Row(name: "PAYMENT_REQUIRED", phrase: "Payment Required", description: "A payment is needed")
        case .forbidden:
            Row(name: "FORBIDDEN", phrase: "Forbidden", description: "The request is understood and refused")
        case .notFound: Row(name: "NOT_FOUND", phrase: "Not Found", description: "There is no such thing")
        case .methodNotAllowed:
            Row(name: "METHOD_NOT_ALLOWED", phrase: "Method Not Allowed", description: "There is no such method")
        case .notAcceptable:
            Row(name: "NOT_ACCEPTABLE", phrase: "Not Acceptable", description: "There is no acceptable form of it")
        case .proxyAuthenticationRequired:
            Row(
                name: "PROXY_AUTHENTICATION_REQUIRED", phrase: "Proxy Authentication Required",
                description: "Log in at the proxy first")
        case .requestTimeout:
            Row(name: "REQUEST_TIMEOUT", phrase: "Request Timeout", description: "The request took too long")
        case .conflict: Row(name: "CONFLICT", phrase: "Conflict", description: "It conflicts with what is there")
        case .gone: Row(name: "GONE", phrase: "Gone", description: "It was here once and is gone for good")
        case .lengthRequired:
            Row(name: "LENGTH_REQUIRED", phrase: "Length Required", description: "The length of the request is missing")
        case .preconditionFailed:
            Row(
                name: "PRECONDITION_FAILED", phrase: "Precondition Failed",
                description: "A condition of the request does not hold")
        case .payloadTooLarge:
            Row(
                name: "REQUEST_ENTITY_TOO_LARGE", phrase: "Request Entity Too Large",
                description: "The request is too large")
        case .uriTooLong:
            Row(name: "REQUEST_URI_TOO_LONG", phrase: "Request-URI Too Long", description: "The address is too long")
        case .unsupportedMediaType:
            Row(
                name: "UNSUPPORTED_MEDIA_TYPE", phrase: "Unsupported Media Type",
                description: "The request is in a form that is not understood")
        case .rangeNotSatisfiable:
            Row(
                name: "REQUESTED_RANGE_NOT_SATISFIABLE", phrase: "Requested Range Not Satisfiable",
                description: "The range asked for does not exist")
        case .expectationFailed:
            Row(
                name: "EXPECTATION_FAILED", phrase: "Expectation Failed",
                description: "An expectation of the request cannot be met")
        case .imATeapot:
            Row(name: "IM_A_TEAPOT", phrase: "I'm a Teapot", description: "A teapot does not brew coffee")
        case .misdirectedRequest:
            Row(
                name: "MISDIRECTED_REQUEST", phrase: "Misdirected Request",
                description: "The request reached the wrong server")
        case .unprocessableEntity:
            Row(
                name: "UNPROCESSABLE_ENTITY", phrase: "Unprocessable Entity",
                description: "The request is well formed and makes no sense")
        case .locked: Row(name: "LOCKED", phrase: "Locked", description: "It is locked")
        case .failedDependency:
            Row(
                name: "FAILED_DEPENDENCY", phrase: "Failed Dependency",
                description: "Something that it depends on failed")
        case .tooEarly:
            Row(
                name: "TOO_EARLY", phrase: "Too Early",
                description: "It is too early for a request that may be replayed")
        case .upgradeRequired:
            Row(name: "UPGRADE_REQUIRED", phrase: "Upgrade Required", description: "Change to another protocol first")
        case .preconditionRequired:
            Row(
                name: "PRECONDITION_REQUIRED", phrase: "Precondition Required",
                description: "The request needs a condition")
        case .tooManyRequests:
            Row(name: "TOO_MANY_REQUESTS", phrase: "Too Many Requests", description: "Too much was asked for")
        case .requestHeaderFieldsTooLarge:
            Row(
                name: "REQUEST_HEADER_FIELDS_TOO_LARGE", phrase: "Request Header Fields Too Large",
                description: "The headers are too large")
        case .unavailableForLegalReasons:
            Row(
                name: "UNAVAILABLE_FOR_LEGAL_REASONS", phrase: "Unavailable For Legal Reasons",
                description: "The law forbids it")
        case .clientClosedRequest:
            Row(
                name: "CLIENT_CLOSED_REQUEST", phrase: "Client Closed Request",
                description: "The client left before the answer")
        case .internalServerError:
            Row(name: "INTERNAL_SERVER_ERROR", phrase: "Internal Server Error", description: "The server failed")
        case .notImplemented:
            Row(name: "NOT_IMPLEMENTED", phrase: "Not Implemented", description: "The server cannot do this")
        case .badGateway:
            Row(name: "BAD_GATEWAY", phrase: "Bad Gateway", description: "A server behind this one answered wrongly")
        case .serviceUnavailable:
            Row(
                name: "SERVICE_UNAVAILABLE", phrase: "Service Unavailable",
                description: "The server cannot do this at the moment")
        case .gatewayTimeout:
            Row(
                name: "GATEWAY_TIMEOUT", phrase: "Gateway Timeout",
                description: "A server behind this one did not answer in time")
        case .versionNotSupported:
            Row(
                name: "VERSION_NOT_SUPPORTED", phrase: "Version Not Supported",
                description: "This version of the protocol is not spoken here")
        case .variantAlsoNegotiates:
            Row(
                name: "VARIANT_ALSO_NEGOTIATES", phrase: "Variant Also Negotiates",
                description: "The server negotiates in a circle")
        case .insufficientStorage:
            Row(name: "INSUFFICIENT_STORAGE", phrase: "Insufficient Storage", description: "There is no space left")
        case .loopDetected:
            Row(name: "LOOP_DETECTED", phrase: "Loop Detected", description: "The work goes in a circle")
        case .notExtended: Row(name: "NOT_EXTENDED", phrase: "Not Extended", description: "An extension is missing")
        case .networkAuthenticationRequired:
            Row(
                name: "NETWORK_AUTHENTICATION_REQUIRED", phrase: "Network Authentication Required",
                description: "Log in to the network first")
        case .unknownError:
            Row(
                name: "UNKNOWN_ERROR", phrase: "Unknown Error", description: "Something unexpected failed on the server"
            )
        case .invalidSslCertificate:
            Row(
                name: "INVALID_SSL_CERTIFICATE", phrase: "Invalid SSL Certificate",
                description: "A certificate is not valid")
        }
    }
}
