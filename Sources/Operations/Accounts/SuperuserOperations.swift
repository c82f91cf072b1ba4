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
    /// Whether a login to the panel needs a code beside the password.
    package var hasSecondFactor: Bool

    init(_ record: AdminRecord, login: String?) {
        username = record.username
        self.login = login
        created = record.created.text
        hasSecondFactor = record.totpSecret != nil
    }
}

/// `superuser.list`: the administrators, by name.
package struct ListSuperusers: AdminOperation {
    package static let name = "superuser.list"
    package static let summary = "List the administrators."
    package static let access = OperationActor.Scope.read

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
    package static let summary = "Take an administrator's rights away; the account stays."
    package static let access = OperationActor.Scope.write
    package static let isDestructive = true

    /// The administrator's name.
    package var username: String

    package init(username: String) {
        self.username = username
    }

    package var target: String? { username }

    package func run(on context: OperationContext) async throws(OperationError) -> SuperuserReport {
        let record = try await context.administrator(username)
        let report = try await context.report(of: record)
        _ = try await context.write(Write.DeleteAdmin(username: username))
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
