// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Storage

/// `audit.verify`: whether every record of the audit is there as it was written.
package struct VerifyAudit: AdminOperation {
    /// What `audit.verify` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// How many records are right, from the first on.
        package var records: Int64
        /// The hash of the last of them; kept elsewhere it also shows whether the whole audit was written anew.
        package var hash: String
        /// The first record that is wrong.
        @Nullable package var finding: Finding?
    }

    /// What is wrong with a record.
    package struct Finding: Codable, Sendable, Equatable {
        /// What happened to it.
        package enum Kind: String, Codable, Sendable, CaseIterable {
            /// It is not what was written.
            case changed
            /// It is not there.
            case missing
            /// It does not follow the record that stands in front of it, or the end of the audit is not what was
            /// written.
            case unlinked
            /// No operation wrote it.
            case added
        }

        /// The record.
        package var number: Int64
        /// What happened to it.
        package var kind: Kind
    }

    package static let name = "audit.verify"
    package static let summary = "Check that no record of the audit was changed or removed."
    package static let access = OperationActor.Scope.read
    package static let isLong = true
    private static let pageSize: Int64 = 500

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let (head, last) = try await context.reading { try await $0.auditHead() }
        var previous = [UInt8](repeating: 0, count: AuditRecord.hashBytes)
        var checked: Int64 = 0
        func report(_ kind: Finding.Kind?, at number: Int64) -> Report {
            Report(
                records: checked, hash: Self.text(of: previous),
                finding: kind.map { Finding(number: number, kind: $0) })
        }
        while checked < head.number {
            try context.checkCancellation()
            let range = checked + 1...min(checked + Self.pageSize, head.number)
            let page = try await context.reading { try await $0.auditRecords(numbers: range) }
            for record in page {
                let number = checked + 1
                guard record.number == number else { return report(.missing, at: number) }
                guard SHA256Digest.digest(of: record.canonicalBytes) == record.hash else {
                    return report(.changed, at: number)
                }
                guard record.previous == previous else { return report(.unlinked, at: number) }
                previous = record.hash
                checked = number
            }
            guard checked == range.upperBound else { return report(.missing, at: checked + 1) }
            await context.progress(
                OperationProgress(phase: "records", done: Int(checked), total: Int(head.number)))
        }
        if previous != head.hash { return report(.unlinked, at: head.number) }
        if last > head.number { return report(.added, at: head.number + 1) }
        return report(nil, at: checked)
    }

    static func text(of hash: [UInt8]) -> String { Hexadecimal.text(hash) }
}
