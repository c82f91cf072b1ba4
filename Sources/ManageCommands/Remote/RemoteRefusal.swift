// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import AdminAPI
import Operations
import TestClient

/// What a command tells when a remote server refuses, or is none.
enum RemoteRefusal {
    /// The longest place of a redirect that is shown.
    private static let maximumPlace = 200

    /// The error for an answer that is no success: the operation's own, or one that says what the address is.
    static func error(for answer: HTTPAnswer, of url: String) -> any Error {
        guard answer[header: "Content-Type"]?.hasPrefix("application/problem+json") == true,
            let refusal = AdminRefusal(answer.body)
        else { return foreign(answer, url) }
        if let error = refusal.operationError { return error }
        if refusal.kind == "unauthorized" {
            return CommandError(
                .refused, refusal.message,
                nextStep: "Make one with 'manage token create' on the server's machine, and put it into the token file."
            )
        }
        return CommandError(status(answer.status), refusal.message, nextStep: refusal.nextStep)
    }

    /// The error for a connection that failed; `changes` says whether something may have been done.
    static func words(for error: ClientError, changes: Bool) -> CommandError {
        let unknown = changes ? "Check whether it was done before you try again." : nil
        return switch error {
        case .invalidURL: CommandError(.usage, error.description, nextStep: ServerOptions.example)
        case .refused, .unreachable:
            CommandError(.unavailable, error.description, nextStep: "Check --server, and that the server runs.")
        case .tls:
            CommandError(
                .unavailable, error.description,
                nextStep: "If its certificate is of an authority of your own, name that with --ca-file PATH.")
        case .timedOut: CommandError(.unavailable, error.description, nextStep: unknown ?? "Try again later.")
        case .closed:
            CommandError(
                .unavailable, "The server closed the connection before it had answered.",
                nextStep: unknown ?? "If it uses TLS, write https://; otherwise see its log.")
        case .handshakeRefused, .messageTooLarge, .protocolViolation:
            CommandError(.failed, error.description, nextStep: unknown)
        case .cancelled: CommandError(.interrupted, "Interrupted.")
        }
    }

    /// An answer that Parley's API did not write: of a proxy, or of another program.
    private static func foreign(_ answer: HTTPAnswer, _ url: String) -> CommandError {
        if 300..<400 ~= answer.status {
            let place = answer[header: "Location"].map { " to '\($0.prefix(maximumPlace))'" } ?? ""
            return CommandError(
                .unavailable, "'\(url)' redirects\(place), where the token is not sent.",
                nextStep: "Give --server the address of the server itself.")
        }
        return CommandError(
            status(answer.status),
            "'\(url)' answered with the HTTP status \(answer.status), and not as the API of Parley.",
            nextStep: "Check --server, the proxies before the server, and its [ADMIN] API.")
    }

    private static func status(_ code: Int) -> CommandStatus {
        switch code {
        case 401, 403: .refused
        case 404: .notFound
        case 409: .exists
        case 400, 413, 415, 422: .usage
        case 429, 503: .busy
        case 502, 504: .unavailable
        default: .failed
        }
    }
}
