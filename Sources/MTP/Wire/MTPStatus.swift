// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A status of an answer: HTTP's, with the phrases of RFC 7231 that the clients of this protocol know, and four of its
/// own (499, 505, 520, 526).
///
/// A case's number is its code.
package enum MTPStatus: Int, CaseIterable, Sendable {
    case `continue` = 100
    case switchingProtocols = 101
    case processing = 102
    case earlyHints = 103
    case ok = 200
    case created = 201
    case accepted = 202
    case nonAuthoritativeInformation = 203
    case noContent = 204
    case resetContent = 205
    case partialContent = 206
    case multiStatus = 207
    case alreadyReported = 208
    case imUsed = 226
    case multipleChoices = 300
    case movedPermanently = 301
    case found = 302
    case seeOther = 303
    case notModified = 304
    case useProxy = 305
    case temporaryRedirect = 307
    case permanentRedirect = 308
    case badRequest = 400
    case unauthorized = 401
    case paymentRequired = 402
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case notAcceptable = 406
    case proxyAuthenticationRequired = 407
    case requestTimeout = 408
    case conflict = 409
    case gone = 410
    case lengthRequired = 411
    case preconditionFailed = 412
    case payloadTooLarge = 413
    case uriTooLong = 414
    case unsupportedMediaType = 415
    case rangeNotSatisfiable = 416
    case expectationFailed = 417
    case imATeapot = 418
    case misdirectedRequest = 421
    case unprocessableEntity = 422
    case locked = 423
    case failedDependency = 424
    case tooEarly = 425
    case upgradeRequired = 426
    case preconditionRequired = 428
    case tooManyRequests = 429
    case requestHeaderFieldsTooLarge = 431
    case unavailableForLegalReasons = 451
    case clientClosedRequest = 499
    case internalServerError = 500
    case notImplemented = 501
    case badGateway = 502
    case serviceUnavailable = 503
    case gatewayTimeout = 504
    case versionNotSupported = 505
    case variantAlsoNegotiates = 506
    case insufficientStorage = 507
    case loopDetected = 508
    case notExtended = 510
    case networkAuthenticationRequired = 511
    case unknownError = 520
    case invalidSslCertificate = 526

    /// Corresponds to `errors.code`.
    package var code: Int { rawValue }

    /// Corresponds to `errors.status`, such as `Not Found`.
    package var phrase: String { texts.phrase }

    /// One sentence for people; the `detail` of an answer that has nothing better to say.
    package var description: String { texts.description }

    /// Whether the request was fulfilled, at least in part.
    package var isSuccess: Bool { (200..<300).contains(rawValue) }
}
