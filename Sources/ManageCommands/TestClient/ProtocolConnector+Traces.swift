// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Operations
import TestClient

extension ProtocolConnector {
    /// A connector to the running server of the settings; `nil` when the address on the command line is another one's.
    func withoutAddress() async -> ProtocolConnector? {
        guard let address = connection.address else { return self }
        var connection = connection
        connection.address = nil
        let own = ProtocolConnector(
            settings: await connection.following(settings), connection: connection, keys: keys)
        let addresses = WireProtocol.allCases.map(own.address) + [own.fastChatEndpoint.url]
        return addresses.contains(address) ? own : nil
    }

    /// Removes accounts that were made, and the chats that they have with each other, from the server of the settings.
    ///
    /// - Returns: The logins and the uuids of flows that could not be removed.
    func removeTraces(of people: [CrossProtocolCheck.Person]) async -> (logins: [String], flows: [String]) {
        var (logins, flows): ([String], Set<String>) = ([], [])
        for person in people {
            do {
                for flow in try await chats(of: person) { flows.insert(flow) }
                _ = try await OperationRunner(settings: settings).run(DeleteUser(login: person.login))
            } catch {
                logins.append(person.login)
            }
        }
        var left: [String] = []
        for flow in flows.sorted() {
            do {
                _ = try await OperationRunner(settings: settings).run(DeleteFlow(uuid: flow))
            } catch {
                left.append(flow)
            }
        }
        return (logins, left)
    }

    /// The uuids of a person's chats, as MTP tells them.
    private func chats(of person: CrossProtocolCheck.Person) async throws -> [String] {
        let address = address(.mtp)
        let giveUp: @Sendable () async -> Void = {}
        return try await answered(within: timeout, by: address, giveUp: giveUp) {
            let client = try await MTPClient.connect(url: address, options: connection.clientOptions(settings))
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
