// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Operations
import TestClient

extension CrossProtocolCheck {
    /// Removes the accounts that were made, and the chats that they have with each other.
    ///
    /// - Returns: The logins and the uuids of flows that stay behind.
    func removeTraces() async -> (logins: [String], flows: [String]) {
        var (logins, flows): ([String], Set<String>) = ([], [])
        guard connector.connection.address == nil else { return (registered.map(\.login), []) }
        for person in registered {
            do {
                for flow in try await chats(of: person) { flows.insert(flow) }
                _ = try await OperationRunner(settings: connector.settings).run(DeleteUser(login: person.login))
            } catch {
                logins.append(person.login)
            }
        }
        var left: [String] = []
        for flow in flows.sorted() {
            do {
                _ = try await OperationRunner(settings: connector.settings).run(DeleteFlow(uuid: flow))
            } catch {
                left.append(flow)
            }
        }
        return (logins, left)
    }

    /// The uuids of a person's chats, as MTP tells them.
    private func chats(of person: Person) async throws -> [String] {
        let address = connector.address(.mtp)
        let giveUp: @Sendable () async -> Void = {}
        return try await answered(within: connector.connection.timeout, by: address, giveUp: giveUp) { [connector] in
            let client = try await MTPClient.connect(
                url: address, options: connector.connection.clientOptions(connector.settings))
            do {
                let credentials = try await client.authenticate(login: person.login, password: person.password)
                let answer = try await client.request(.allFlow(as: credentials))
                await client.close()
                return answer.data?.flow?.filter { $0.type == "chat" }.compactMap(\.uuid?.description) ?? []
            } catch {
                await client.close()
                throw error
            }
        }
    }
}

/// What `testclient session` prints of several people.
struct PairReport: CommandReport {
    private enum CodingKeys: String, CodingKey { case steps, failed }

    var steps: [SessionStep]

    /// How many steps failed.
    var failed: Int { steps.count { $0.outcome == .failed } }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
        try container.encode(failed, forKey: .failed)
    }

    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["STEP", "RESULT", "MS", "REMARK"])
        for step in steps {
            table.add([
                step.method, step.outcome.rawValue, step.duration?.inMilliseconds ?? "-", step.detail ?? "",
            ])
        }
        let sum = "\(steps.summary)."
        return table.text(style: style) + style.apply(failed == 0 ? .green : .red, to: sum) + "\n"
    }
}
