// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `message.delete`: overwrites what a message said, as its author could.
package struct DeleteMessage: AdminOperation {
    package static let name = "message.delete"
    package static let summary = "Overwrite what a message said."
    package static let access = OperationActor.Scope.write
    package static let isDestructive = true

    package var uuid: String

    package init(uuid: String) {
        self.uuid = uuid
    }

    package var target: String? { uuid }

    package func run(on context: OperationContext) async throws(OperationError) -> MessageReport {
        let message = try await context.message(uuid: uuid)
        if case .deleted = message.change {
            throw OperationError(.exists, "The message \(message.uuid) is deleted already.")
        }
        let receipt = try await context.write(
            Write.DeleteMessage(flow: message.flow, message: message.position), on: message.uuid.description)
        context.chat.refund(receipt.result, to: message.sender)
        return try await context.reports(of: [context.message(uuid: uuid)])[0]
    }
}
