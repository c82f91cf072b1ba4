// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The exit codes of `manage`; `manage help exit-codes` prints them.
enum CommandStatus: Int32, CaseIterable, Sendable {
    /// Done. An empty list is a result too.
    case done = 0
    /// Failed, and nothing is left half-done.
    case failed = 1
    /// A check found problems.
    case findings = 3
    /// Refused: a wrong login, or rights that are missing.
    case refused = 4
    /// Some of several items failed.
    case partlyFailed = 5
    /// What was named does not exist.
    case notFound = 6
    /// What was to be made exists already.
    case exists = 7
    /// The command line is wrong.
    case usage = 64
    /// The server or the database cannot be reached.
    case unavailable = 69
    /// Busy; trying again may succeed.
    case busy = 75
    /// The settings are wrong.
    case settings = 78
    /// Interrupted, as by Ctrl-C.
    case interrupted = 130

    /// What the code says, for the help page.
    var meaning: String {
        switch self {
        case .done: "Done. An empty list is a result too."
        case .failed: "Failed; nothing is left half-done."
        case .findings: "A check found problems; they are listed."
        case .refused: "Refused: a wrong login, or rights that are missing."
        case .partlyFailed: "Some of several items failed; each is named."
        case .notFound: "What was named does not exist."
        case .exists: "What was to be made exists already."
        case .usage: "The command line is wrong; 'manage help COMMAND' shows how it should be."
        case .unavailable: "The server, the database or something that is needed cannot be reached."
        case .busy: "Something else is using it; try again."
        case .settings: "The settings are wrong; 'manage config check' lists what is."
        case .interrupted: "Interrupted, as by Ctrl-C."
        }
    }
}
