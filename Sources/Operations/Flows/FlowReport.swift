// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// A flow as administrators see it.
package struct FlowReport: Codable, Sendable, Equatable {
    /// The row number, by which lists go on.
    package var row: Int64
    /// Names the flow on the wire.
    package var uuid: String
    /// `chat`, `group` or `channel`.
    package var type: String
    package var title: String
    /// What the flow is about.
    package var info: String
    /// The owner's login.
    package var owner: String
    /// Whether every account reads it and, in a group, writes.
    package var isPublic: Bool
    /// Messages so far, deleted ones included.
    package var messages: Int64
    /// When it was created, as RFC 3339 writes it.
    package var created: String

    init(_ record: FlowRecord, owner: String) {
        row = record.id.rawValue
        uuid = record.uuid.description
        type = record.kind.rawValue
        title = record.title
        info = record.info
        self.owner = owner
        isPublic = record.isPublic
        messages = record.messageCount
        created = record.created.text
    }
}

extension OperationContext {
    /// Flows with their owners' logins, which are read at once.
    func reports(of flows: [FlowRecord]) async throws(OperationError) -> [FlowReport] {
        let uuids = Array(Set(flows.map(\.ownerUUID)))
        let owners = try await reading { try await $0.users(uuids: uuids) }
        let logins = Dictionary(owners.map { ($0.id, $0.login) }, uniquingKeysWith: { first, _ in first })
        return flows.map { FlowReport($0, owner: logins[$0.owner] ?? UserRecord.deletedName) }
    }

    /// One flow with its owner's login.
    func report(of flow: FlowRecord) async throws(OperationError) -> FlowReport {
        let reports = try await reports(of: [flow])
        return reports[0]
    }
}
