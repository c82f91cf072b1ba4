// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a file with keys cannot be used.
///
/// Sample: `The key file /srv/run/secret.key can be read by others. Run chmod 600 on it, and replace the
/// keys.`
package struct KeyFileError: Error, Hashable, Sendable {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The name cannot be that of a key file.
        case badName
        /// The system does not let the file be read.
        case unreadable
        /// Others than the owner have rights on the file.
        case exposed
        /// The file belongs to another system account, which can change it.
        case foreign
        /// The content is not what was written.
        case damaged
        /// There is a file already, and it is not overwritten.
        case exists
        /// The system does not let the file be made.
        case uncreatable
    }

    /// For branching.
    package var code: Code
    /// The key file, as the settings name it.
    package var path: String
    /// What failed and how to remedy it: sentences without secrets.
    package var message: String
    /// The system's error, if it caused this.
    package var errorNumber: Int32?

    static func badName(_ path: String) -> KeyFileError {
        KeyFileError(code: .badName, path: path, message: "Write the path of a file, at most 4000 bytes.")
    }

    static func unreadable(_ path: String, _ number: Int32) -> KeyFileError {
        KeyFileError(
            code: .unreadable, path: path,
            message: "The key file \(path) cannot be read: \(text(number)). Give it to the user that runs the program.",
            errorNumber: number)
    }

    static func uncreatable(_ path: String, _ number: Int32) -> KeyFileError {
        KeyFileError(
            code: .uncreatable, path: path,
            message:
                "The key file \(path) cannot be made: \(text(number)). Make its folder, writable for the user that "
                + "runs the program.",
            errorNumber: number)
    }

    static func exposed(_ path: String) -> KeyFileError {
        KeyFileError(
            code: .exposed, path: path,
            message: "The key file \(path) can be read by others. Run chmod 600 on it, and replace the keys.")
    }

    static func foreign(_ path: String) -> KeyFileError {
        KeyFileError(
            code: .foreign, path: path,
            message: "The key file \(path) belongs to another user. Give it to the user that runs the program.")
    }

    static func damaged(_ path: String, _ detail: String) -> KeyFileError {
        KeyFileError(
            code: .damaged, path: path,
            message: "The key file \(path) is damaged: \(detail). Restore it from a copy.")
    }

    static func exists(_ path: String) -> KeyFileError {
        KeyFileError(
            code: .exists, path: path,
            message: "The key file \(path) exists already. Move it away, or choose another name.")
    }

    private static func text(_ number: Int32) -> String { strerror(number).map { String(cString: $0) } ?? "\(number)" }
}

extension KeyFileError: CustomStringConvertible {
    package var description: String { message }
}
