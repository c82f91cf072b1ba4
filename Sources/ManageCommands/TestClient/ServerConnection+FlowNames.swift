// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Operations
import Settings
import TestClient

extension ServerConnection {
    /// The uuid of a flow that is named as other commands name it, so far as it can be found out.
    ///
    /// The server of the settings is asked as an administrator; another one knows uuids, and the titles that the
    /// account sees. Digits that no flow is found by are sent as they are.
    func uuid(
        ofFlow name: String, as principal: TestAccount, _ settings: Settings, _ connection: ConnectionOptions
    ) async throws -> String {
        let isNumber = !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard connection.isLocal(settings) else {
            return isNumber ? name : try await uuid(titled: name, as: principal)
        }
        do {
            return try await OperationRunner(settings: settings).run(ShowFlow(uuid: name)).flow.uuid
        } catch let error {
            let isAmbiguous = (error as? OperationError)?.kind == .invalid
            guard isNumber, !isAmbiguous else { throw error }
            return name
        }
    }

    private func uuid(titled title: String, as principal: TestAccount) async throws -> String {
        let flows = try await answer(to: .allFlow(as: principal.credentials)).response?.data?.flow ?? []
        let found = flows.filter { $0.title == title }.compactMap { $0.uuid?.description }
        guard found.count == 1, let uuid = found.first else {
            throw CommandError(
                found.isEmpty ? .notFound : .usage,
                found.isEmpty
                    ? "No flow '\(title)' is visible to the account." : "Several flows are called '\(title)'.",
                nextStep: "Give the uuid of one; list flows with 'manage testclient send -t all_flow'.")
        }
        return uuid
    }
}
