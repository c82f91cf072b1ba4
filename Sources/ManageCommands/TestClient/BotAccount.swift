// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Operations
import Settings
import TestClient

/// The hidden bot of the health check.
enum BotAccount {
    /// A login of one minute, from the running server or, beside PostgreSQL, from the store.
    static func logIn(_ settings: Settings, output: OutputOptions) async throws -> TestAccount {
        do {
            let report = try await OperationRunner(settings: settings).run(IssueTestClientToken())
            return TestAccount(
                credentials: MTPCredentials(uuid: report.uuid, authID: report.token.clearText), flow: report.flow,
                botSession: report.session)
        } catch let error as any CommandErrorConvertible {
            throw explained(error.commandError)
        } catch let error as CommandError {
            throw explained(error)
        }
    }

    /// Removes what the bot left, its login and its messages.
    ///
    /// What cannot be removed now ends within a minute, or with the next health check.
    static func end(_ principal: TestAccount, _ settings: Settings) async {
        guard let session = principal.botSession else { return }
        _ = try? await OperationRunner(settings: settings).run(EndTestClient(session: session))
    }

    private static func explained(_ error: CommandError) -> CommandError {
        var error = error
        error.message = "The bot 'testclient' could not log in. \(error.message)"
        return error
    }
}
