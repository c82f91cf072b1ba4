// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Operations
import Storage
import Transport

extension OperationError: CommandErrorConvertible {
    /// Each kind has its status.
    var commandError: CommandError { CommandError(status, message, nextStep: nextStep) }

    private var status: CommandStatus {
        switch kind {
        case .notFound: .notFound
        case .exists: .exists
        case .refused: .refused
        case .invalid: .usage
        case .busy, .tooMany: .busy
        case .unavailable: .unavailable
        case .failed: .failed
        }
    }
}

extension StorageError: CommandErrorConvertible {
    /// 6 for a database that is not there, 69 for one that cannot be reached or used, otherwise 1.
    var commandError: CommandError { OperationError(self).withoutLog.commandError }
}

extension OperationError {
    /// The same of what this process did itself: there is no log with details, unless they are asked for.
    var withoutLog: OperationError {
        let seeLog = "See the log for details."
        guard message.hasSuffix(seeLog) else { return self }
        return OperationError(
            kind, message.dropLast(seeLog.count) + "Set PARLEY_LOGGING_LEVEL=debug to see what the database said.",
            nextStep: nextStep)
    }
}

extension AdminSocketError: CommandErrorConvertible {
    /// 69 unless the server does not let this user in (4).
    var commandError: CommandError {
        switch code {
        case .notAllowed: CommandError(.refused, message)
        case .notRunning, .disconnected: CommandError(.unavailable, message)
        case .pathTooLong, .pathTaken: CommandError(.settings, message)
        case .lineTooLong: CommandError(.usage, message)
        case .failed: CommandError(.failed, message)
        }
    }
}

extension CredentialsError: CommandErrorConvertible {
    /// 78 for a setting out of range, 75 when there is too much to hash, otherwise 1.
    var commandError: CommandError {
        switch self {
        case .invalidParameter: CommandError(.settings, description)
        case .busy, .outOfMemory: CommandError(.busy, description)
        case .cancelled: CommandError(.interrupted, description)
        case .passwordTooLong: CommandError(.usage, description)
        case .unreadableHash: CommandError(.failed, description)
        }
    }
}

extension KeyFileError: CommandErrorConvertible {
    /// Ends with 78; the words name the file.
    var commandError: CommandError { CommandError(.settings, description) }
}
