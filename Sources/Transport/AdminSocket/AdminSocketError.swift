// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why the admin socket cannot be used.
package struct AdminSocketError: Error, CustomStringConvertible {
    /// What is the matter, for branching.
    package enum Code: Sendable {
        /// No server listens there.
        case notRunning
        /// The path does not fit a socket address.
        case pathTooLong
        /// A socket or file that we may not remove is there already.
        case pathTaken
        /// This user, or the process at the other end, does not have the right.
        case notAllowed
        /// The peer sent a line above the limit.
        case lineTooLong
        /// The peer went away.
        case disconnected
        /// Anything else.
        case failed
    }

    /// What is the matter, for branching.
    package let code: Code
    /// What failed and how to remedy it.
    package let message: String
    /// Same as ``message``.
    package var description: String { self.message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
