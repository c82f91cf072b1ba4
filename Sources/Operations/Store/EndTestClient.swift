// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// `testclient.end`: removes what a health check left: the bot's login, and its messages.
package struct EndTestClient: AdminOperation {
    /// What `testclient.end` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// How many messages, edits and deletions were removed.
        package var removed: Int
    }

    package static let name = "testclient.end"
    package static let summary = "Remove what a health check left."
    package static let access = OperationActor.Scope.write

    /// The session that `testclient.token` opened.
    package var session: Int64

    package init(session: Int64) {
        self.session = session
    }

    package var target: String? { IssueTestClientToken.botLogin }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let key = Login.key(of: IssueTestClientToken.botLogin)
        let bot = try await context.reading { try await $0.user(loginKey: key) }
        guard let bot, bot.isHidden else { return Report(removed: 0) }
        do {
            _ = try await context.write(Write.RevokeSessions(bot.id, SessionID(session)))
        } catch  where error.kind == .notFound {
            // It has ended by itself.
        }
        return Report(
            removed: try await context.reading { try await $0.removeTraces(ofHidden: bot.id) })
    }
}
