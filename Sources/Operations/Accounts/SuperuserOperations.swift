// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// What is told of an administrator.
package struct SuperuserReport: Codable, Hashable, Sendable {
    /// The administrator's name.
    package var username: String
    /// The login of the account that was made with it; `nil` without one.
    package var login: String?
    /// When it was made, as other reports write times.
    package var created: String

    init(_ record: AdminRecord, login: String?) {
        username = record.username
        self.login = login
        created = record.created.text
    }
}

/// `superuser.list`: the administrators, by name.
package struct ListSuperusers: AdminOperation {
    package static let name = "superuser.list"

    /// The administrators.
    package struct Report: Codable, Sendable {
        /// By name.
        package var superusers: [SuperuserReport]
    }

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let records = try await context.administrators()
        var superusers: [SuperuserReport] = []
        for record in records { superusers.append(try await context.report(of: record)) }
        return Report(superusers: superusers)
    }
}

/// `superuser.delete`: an administrator is none any more; the account stays.
package struct DeleteSuperuser: AdminOperation {
    package static let name = "superuser.delete"
    package static let isDestructive = true

    /// The administrator's name.
    package var username: String

    package init(username: String) {
        self.username = username
    }

    package func run(on context: OperationContext) async throws(OperationError) -> SuperuserReport {
        let record = try await context.reading { try await $0.admin(username: username) }
        guard let record else {
            throw OperationError(
                .notFound, "No administrator '\(username)'.",
                nextStep: "List the administrators with 'manage superuser list'.")
        }
        let report = try await context.report(of: record)
        _ = try await context.write(.deleteAdmin(username: username))
        return report
    }
}

extension OperationContext {
    /// More administrators than any server has.
    private static let maximumAdministrators = 1000

    /// The administrators, by name.
    func administrators() async throws(OperationError) -> [AdminRecord] {
        try await reading { try await $0.admins(limit: Self.maximumAdministrators) }
    }

    fileprivate func report(of record: AdminRecord) async throws(OperationError) -> SuperuserReport {
        var login: String?
        if let user = record.user {
            login = try await reading { try await $0.user(user) }?.login
        }
        return SuperuserReport(record, login: login)
    }
}
