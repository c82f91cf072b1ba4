// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// What is told of a record of the audit.
package struct AuditReport: Codable, Sendable, Equatable {
    /// How it ended.
    package enum Result: String, Codable, Sendable, CaseIterable { case done, refused }

    /// Its number; there are no gaps.
    package var number: Int64
    /// When it was written, as RFC 3339 writes it.
    package var time: String
    /// The administrator, or for `cli` and `socket` the user of the operating system.
    package var who: String
    /// `cli`, `socket`, `api` or `web`.
    package var face: String
    /// The peer's address; `nil` where no network was between.
    @Nullable package var address: String?
    /// The name of the operation, such as `user.create`.
    package var what: String
    /// On whom or what: a login, a flow's uuid, and the like.
    @Nullable package var target: String?
    /// A JSON object without secrets; instead of very long values, how long they are.
    package var parameters: String
    /// Whether it was done.
    package var result: Result
    /// The kind of refusal.
    @Nullable package var refusal: String?
    /// SHA-256 of the record and the hash before it, in hexadecimal.
    package var hash: String

    init(_ record: AuditRecord) {
        number = record.number
        time = record.time.text
        who = record.entry.actor
        face = record.entry.face
        address = record.entry.address
        what = record.entry.operation
        target = record.entry.target
        parameters = record.entry.parameters
        result = record.entry.refusal == nil ? .done : .refused
        refusal = record.entry.refusal
        hash = VerifyAudit.text(of: record.hash)
    }
}

/// `audit.list`: what administrators did, newest first.
package struct ListAudit: AdminOperation {
    package static let name = "audit.list"
    package static let summary = "List what administrators did, newest first."
    package static let access = OperationActor.Scope.read
    private static let wordBytes = 256

    /// Which part of the list; `after` is the number of the last record of the page before, 0 for the newest.
    package var range: ListRange
    /// Only records of this time or later, in Unix seconds.
    package var since: Int64?
    /// Only what this administrator, or this user of the operating system, did.
    package var who: String?
    /// Only this operation, such as `user.delete`, or those of a kind, such as `user`.
    package var what: String?
    /// How many records are looked through at most; `nil`: as many as it takes.
    ///
    /// A page may then have fewer items although a next one follows.
    package var rows: Int64?

    package init(
        range: ListRange = ListRange(), since: Int64? = nil, who: String? = nil, what: String? = nil, rows: Int64? = nil
    ) {
        self.range = range
        self.since = since
        self.who = who
        self.what = what
        self.rows = rows
    }

    package func run(on context: OperationContext) async throws(OperationError) -> ListPage<AuditReport> {
        try range.check()
        try context.check(who, "name", limit: Self.wordBytes)
        try context.check(what, "operation", limit: Self.wordBytes)
        let last = try await context.reading { try await $0.auditHead() }.last
        let since = since.map { Timestamp(seconds: $0) }
        var found: [AuditRecord] = []
        var place = range.after > 0 ? min(range.after, last + 1) : last + 1
        let end = rows.map { max(1, place - max(1, $0)) } ?? 1
        while place > end, found.count <= range.limit {
            try context.checkCancellation()
            let (before, from, limit) = (place, max(end, place - ListRange.searchStep), range.limit + 1 - found.count)
            found += try await context.reading {
                try await $0.auditRecords(
                    before: before, from: from, since: since, actor: who, operation: what, limit: limit)
            }
            place = from
        }
        return ListPage(
            found.map(AuditReport.init), limit: range.limit, searchedTo: end > 1 ? end : nil, row: \.number)
    }
}
