// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// `server.reload`: the running server reads its settings again, and opens certificate, templates and log files again.
///
/// All or nothing: settings with a mistake leave the old ones in force.
package struct ReloadServer: AdminOperation {
    /// What `server.reload` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// Whether the settings could be read; if not, nothing has changed.
        package var isApplied: Bool
        /// Each key whose value differs from the one in force, in the order of the documentation.
        package var changes: [Change]
        /// Why the settings were refused, a sentence each; nothing when they were not.
        package var reasons: [String]
        /// What was read from the disk again: `log`, `templates`, `certificate`.
        package var reopened: [String]

        package init(isApplied: Bool, changes: [Change] = [], reasons: [String] = [], reopened: [String] = []) {
            self.isApplied = isApplied
            self.changes = changes
            self.reasons = reasons
            self.reopened = reopened
        }
    }

    /// What became of one key.
    package struct Change: Codable, Sendable, Equatable {
        /// What became of a changed value.
        package enum Outcome: String, Codable, Sendable, CaseIterable {
            /// It is in force.
            case applied
            /// It is in force when the server starts again.
            case restart
            /// It is not allowed; the old one stays.
            case refused
            /// It has no effect in any case.
            case unused
        }

        /// `SECTION.KEY`.
        package var key: String
        package var outcome: Outcome
        /// The new value, with secrets masked; `nil` when the key is unset or its value cannot be read.
        @Nullable package var value: String?
        /// Why it is not applied; `nil` when it is.
        @Nullable package var reason: String?

        package init(key: String, outcome: Outcome, value: String? = nil, reason: String? = nil) {
            self.key = key
            self.outcome = outcome
            self.value = value
            self.reason = reason
        }
    }

    package static let name = "server.reload"
    package static let summary = "Read the settings again, and open certificate, templates and log files again."
    package static let access = OperationActor.Scope.write

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        await (try context.runningServer()).reload()
    }
}
