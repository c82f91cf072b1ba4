// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `message.show`: one message, whole.
package struct ShowMessage: AdminOperation {
    package static let name = "message.show"
    package static let summary = "Show a message."
    package static let access = OperationActor.Scope.read

    package var uuid: String

    package init(uuid: String) {
        self.uuid = uuid
    }

    package func run(on context: OperationContext) async throws(OperationError) -> MessageReport {
        try await context.reports(of: [context.message(uuid: uuid)])[0]
    }
}
