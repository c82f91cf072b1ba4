// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// What became of a part of what another server has kept.
package struct ImportOutcome: Codable, Sendable, Equatable {
    /// Something that was left out or changed, and why.
    package struct Remark: Codable, Sendable, Equatable {
        /// What, as the other server names it, such as `user alice`.
        package var item: String
        /// Why: a sentence.
        package var reason: String

        package init(_ item: String, _ reason: String) {
            self.item = item
            self.reason = reason
        }
    }

    /// How many were taken, or would be.
    package var taken = 0
    /// How many are here already, from an import before.
    package var existing = 0
    /// What was not taken.
    package var skipped: [Remark] = []
    /// What was taken with a change.
    package var changed: [Remark] = []

    package init() {}

    mutating func skip(_ item: String, _ reason: String) {
        skipped.append(Remark(item, reason))
    }

    /// Runs the import of one item; what the rules refuse is noted, and the others go on.
    ///
    /// - Throws: What has nothing to do with the item: a database that fails, an interruption.
    mutating func take(
        _ item: String, _ body: (inout ImportOutcome) async throws(OperationError) -> Void
    ) async throws(OperationError) {
        do {
            try await body(&self)
        } catch {
            switch error.kind {
            case .busy, .tooMany, .unavailable, .failed: throw error
            case .notFound, .exists, .refused, .invalid: skip(item, error.message)
            }
        }
    }
}

extension OperationContext {
    /// An identifier in decimal.
    func identifier(_ text: String) throws(OperationError) -> Identifier {
        guard let identifier = Identifier(decimal: text) else {
            throw OperationError(.invalid, "'\(text.prefix(40))' is no uuid.")
        }
        return identifier
    }
}
