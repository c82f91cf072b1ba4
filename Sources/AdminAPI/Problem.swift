// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Operations
import Web

/// Why a request failed, as RFC 9457 writes it.
struct Problem: Error, Sendable {
    let status: Int
    /// For branching: the kind of an `OperationError`, or one of HTTP's own.
    let kind: String
    let title: String
    /// What is wrong: a sentence, the same as commands print.
    let detail: String
    /// What to do: a sentence, if there is something.
    var nextStep: String?
    /// The parameter that does not fit.
    var member: String?
    var headers: [(name: String, value: String)] = []

    init(
        _ status: Int, _ kind: String, _ title: String, _ detail: String, nextStep: String? = nil,
        member: String? = nil, headers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.nextStep = nextStep
        self.member = member
        self.headers = headers
    }

    /// What an operation refused.
    init(_ error: OperationError) {
        let (status, title) = Self.status(of: error.kind)
        self.init(status, error.kind.rawValue, title, error.message, nextStep: error.nextStep)
        if status == 503 { headers = [("Retry-After", "1")] }
    }

    private static func status(of kind: OperationError.Kind) -> (Int, String) {
        switch kind {
        case .notFound: (404, "Not found")
        case .exists: (409, "Exists already")
        case .refused: (409, "Refused")
        case .invalid: (422, "A parameter is invalid")
        case .busy: (503, "Overloaded")
        case .tooMany: (429, "Too many at the same time")
        case .unavailable: (503, "Unavailable")
        case .failed: (500, "Failed")
        }
    }

    /// A parameter that does not fit.
    init(_ mismatch: JSONSchema.Mismatch) {
        self.init(422, "invalid", "A parameter is invalid", mismatch.message, member: mismatch.member)
    }

    /// What stands before the kind.
    static let typePrefix = "urn:parley:problem:"

    /// A body that is no JSON object.
    static let malformed = Problem(
        400, "malformed", "Malformed body", "The body is no JSON object, or one with too long names or texts.")

    var answer: APIAnswer {
        let written = Written(
            type: Self.typePrefix + kind, title: title, status: status, detail: detail, nextStep: nextStep,
            member: member)
        // Texts and a number only, which JSON always takes.
        let encoder = JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes])
        let body = (try? Array(encoder.encode(written))) ?? []
        return APIAnswer(
            status: status, headers: [("Content-Type", "application/problem+json")] + AdminAPI.headers + headers,
            body: .bytes(body))
    }

    /// The members of the object.
    struct Written: Codable, Sendable {
        var type: String
        var title: String
        var status: Int
        var detail: String
        var nextStep: String?
        var member: String?
    }
}
