// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// What became of a request, for the log and the counts.
public struct RequestOutcome: Hashable, Sendable {
    /// What all protocols have in common.
    public enum Kind: String, CaseIterable, Sendable {
        case ok
        /// The request was wrong, or the account may not do that.
        case refused
        /// A limit of rates refused it.
        case throttled
        /// The server could not do it.
        case failed
        /// The connection ended first.
        case unanswered
    }

    public let kind: Kind
    /// The protocol's own word or status: one of few, never anything from outside.
    public let word: String

    /// An outcome with the protocol's word for it.
    public init(_ kind: Kind, _ word: String) {
        self.kind = kind
        self.word = word
    }

    /// What protocols with statuses of HTTP answer with.
    public init(status: Int) {
        let kind: Kind =
            switch status {
            case ..<400: .ok
            case 429: .throttled
            case 500...: .failed
            default: .refused
            }
        self.init(kind, status == 200 ? "200" : "\(status)")
    }

    /// Why it was not done; `nil` if it was, or the connection is gone.
    package var refusal: String? {
        switch kind {
        case .refused, .throttled, .failed: word
        case .ok, .unanswered: nil
        }
    }

    /// Done, without a word for it.
    public static let ok = RequestOutcome(.ok, "ok")
    /// The connection is gone.
    public static let unanswered = RequestOutcome(.unanswered, "unanswered")
}
