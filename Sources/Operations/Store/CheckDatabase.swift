// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Storage

/// `db.check`: compares what is stored with what must be true of it.
package struct CheckDatabase: AdminOperation {
    /// Something that is not as it must be.
    package struct Problem: Codable, Sendable, Equatable {
        /// Stable, such as `flow_heads.counts`.
        package var name: String
        /// A sentence.
        package var problem: String
        /// How many rows.
        package var rows: Int64
        /// Whether `fix` can do something about it.
        package var isFixable: Bool
        /// Whether it was fixed now.
        package var isFixed: Bool
    }

    /// What `db.check` tells.
    package struct Report: Codable, Sendable {
        package var problems: [Problem]

        /// How many are left.
        package var remaining: Int { problems.count { !$0.isFixed } }
    }

    package static let name = "db.check"
    package static let summary = "Compare what is stored with what must be true of it, and fix it if asked to."
    package static let access = OperationActor.Scope.write
    package static let isLong = true

    /// Whether what can be fixed is fixed.
    package var fix: Bool

    package init(fix: Bool = false) {
        self.fix = fix
    }

    package var onlyLooks: Bool { !fix }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let before = try await problems(on: context)
        let fixable = before.filter(\.isFixable).map(\.name)
        var after = before
        if fix, !fixable.isEmpty {
            try await context.recordNow()
            try await context.reading { try await $0.fix(fixable) }
            after = try await problems(on: context)
        }
        let report = before.map { problem in
            Problem(
                name: problem.name, problem: problem.problem, rows: problem.rows, isFixable: problem.isFixable,
                isFixed: !after.contains { $0.name == problem.name })
        }
        // What a fix brought to light.
        let new = after.filter { problem in !before.contains { $0.name == problem.name } }
        return Report(
            problems: report
                + new.map {
                    Problem(name: $0.name, problem: $0.problem, rows: $0.rows, isFixable: $0.isFixable, isFixed: false)
                })
    }

    private func problems(on context: OperationContext) async throws(OperationError) -> [StoreProblem] {
        try await context.reading {
            try await $0.check(digest: SHA256Digest.digest, text: MessageContent.searchText)
        }
    }
}
