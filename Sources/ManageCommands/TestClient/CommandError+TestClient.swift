// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import MTP
import Messenger
import Skaro
import TestClient

extension CommandStatus {
    /// What a command ends with after an answer with this code of HTTP's kind.
    init(answer code: Int?) {
        switch code {
        case .some(200..<300): self = .done
        case 401, 403: self = .refused
        case 404: self = .notFound
        case 409: self = .exists
        default: self = .failed
        }
    }
}

extension ServerConnection.Answer {
    /// What a command ends with after this answer.
    var status: CommandStatus { CommandStatus(answer: response?.code) }
}

extension ConversationError: CommandErrorConvertible {
    /// 6 for what is not found, otherwise 64.
    var commandError: CommandError {
        CommandError(kind == .notFound ? .notFound : .usage, message, nextStep: nextStep)
    }
}

extension FastChatClientFailure: CommandErrorConvertible {
    /// 4 for a refusal, 6 for an unknown number, 69 without a server, otherwise 1.
    var commandError: CommandError {
        let status: CommandStatus =
            switch self {
            case .refused: .refused
            case .noKey: .notFound
            case .noServer: .unavailable
            case .notLoggedIn, .wrongSignature: .failed
            }
        return CommandError(status, description)
    }
}

extension RSAKeyError: CommandErrorConvertible {
    /// Ends with 1.
    var commandError: CommandError { CommandError(.failed, description) }
}

extension MTPClientRefusal: CommandErrorConvertible {
    /// 4 for 401 and 403, 6 for 404, 7 for 409, otherwise 1.
    var commandError: CommandError { CommandError(CommandStatus(answer: code), description) }
}

extension MessengerFailure: CommandErrorConvertible {
    /// 4 for a refused login or sign-up, 6 for an unknown user, 7 for a login that is taken, otherwise 1.
    var commandError: CommandError {
        let status: CommandStatus =
            switch answer {
            case .loginTaken: .exists
            case .signUpRefused, .wrongPassword, .noSuchLogin: .refused
            case .noSuchUser: .notFound
            default: .failed
            }
        return CommandError(status, description)
    }
}

extension SkaroDenial: CommandErrorConvertible {
    /// 4 for 401 and 403, 6 for 404, 7 for 409, otherwise 1.
    var commandError: CommandError {
        CommandError(CommandStatus(answer: Int(status.prefix(3))), description)
    }
}

extension ClientError: CommandErrorConvertible {
    /// Ends with 69 when there was no connection, 64 for a wrong address, 130 when interrupted, otherwise with 1.
    var commandError: CommandError {
        switch self {
        case .invalidURL:
            CommandError(.usage, description, nextStep: "Write it like ws://127.0.0.1:8080/ws.")
        case .refused:
            CommandError(.unavailable, description, nextStep: "Start the server with 'manage runserver'.")
        case .unreachable, .timedOut:
            CommandError(
                .unavailable, description, nextStep: "Check the address, and the server with 'manage doctor'.")
        case .tls:
            CommandError(
                .unavailable, description,
                nextStep: "Trust the server's authority with --ca-file PATH, or use ws:// for a server without TLS.")
        case .handshakeRefused(let status, _):
            CommandError(
                status == 503 ? .unavailable : .failed, description,
                nextStep: status == 404 ? "The protocol is served at /ws." : nil)
        case .closed(.abnormal):
            CommandError(
                .unavailable, "The server closed the connection.",
                nextStep: "If it uses TLS, write wss:// or tls://; otherwise see its log.")
        case .closed: CommandError(.unavailable, description, nextStep: "See the server's log for the reason.")
        case .messageTooLarge, .protocolViolation: CommandError(.failed, description)
        case .cancelled: CommandError(.interrupted, "Interrupted.")
        }
    }
}
