// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
package import MTP
package import TestClient

/// The accounts that the connections of a benchmark work for.
package enum BenchmarkAccounts {
    /// Registers accounts through a few connections at a time.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - url: The address of MTP.
    /// - Returns: Their credentials.
    /// - Throws: `MTPClientRefusal` or `ClientError` when the server does not take them.
    package static func register(_ count: Int, at url: String) async throws -> [MTPCredentials] {
        let lanes = min(4, count)
        return try await withThrowingTaskGroup(of: [MTPCredentials].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    let client = try await MTPClient.connect(url: url)
                    var accounts: [MTPCredentials] = []
                    for number in stride(from: lane, to: count, by: lanes) {
                        accounts.append(
                            try await client.register(login: login(of: number), password: password(of: number)))
                    }
                    await client.close()
                    return accounts
                }
            }
            var all: [MTPCredentials] = []
            for try await accounts in group { all += accounts }
            return all
        }
    }

    /// The login of the account with a number, from 0 in the order of registration.
    package static func login(of number: Int) -> String { "sender\(number)" }

    /// Its password.
    package static func password(of number: Int) -> String { "a password of \(number)" }

    /// Makes a group that every account may write to.
    ///
    /// - Parameters:
    ///   - owner: Whose it is.
    ///   - url: The address of MTP.
    /// - Returns: Its uuid.
    /// - Throws: `MTPClientRefusal` or `ClientError` when the server does not take it.
    package static func makePublicGroup(owner: MTPCredentials, at url: String) async throws -> String {
        let client = try await MTPClient.connect(url: url)
        let flow = try await makeGroup(owner: owner, users: [], through: client)
        await client.close()
        return flow
    }

    /// Makes a private group of its own for each account.
    ///
    /// - Parameters:
    ///   - accounts: Their owners, and only members.
    ///   - url: The address of MTP.
    /// - Returns: The groups' uuids, in the order of the accounts.
    /// - Throws: `MTPClientRefusal` or `ClientError` when the server does not take them.
    package static func makeRooms(of accounts: [MTPCredentials], at url: String) async throws -> [String] {
        let client = try await MTPClient.connect(url: url)
        var flows: [String] = []
        for account in accounts {
            flows.append(try await makeGroup(owner: account, users: [account.uuid], through: client))
        }
        await client.close()
        return flows
    }

    /// Makes a group that only its members see.
    ///
    /// - Parameters:
    ///   - owner: Whose it is; a member as well.
    ///   - members: The others.
    ///   - url: The address of MTP.
    /// - Returns: Its uuid.
    /// - Throws: `MTPClientRefusal` or `ClientError` when the server does not take it.
    package static func makeGroup(
        owner: MTPCredentials, members: some Collection<MTPCredentials>, at url: String
    ) async throws -> String {
        let client = try await MTPClient.connect(url: url)
        // Large frames are taken from those who have shown a token.
        let greeting = try await client.request(.pingPong(as: owner))
        guard greeting.isSuccess else { throw MTPClientRefusal(greeting) }
        let flow = try await makeGroup(owner: owner, users: members.map(\.uuid), through: client)
        await client.close()
        return flow
    }

    private static func makeGroup(
        owner: MTPCredentials, users: [String], through client: MTPClient
    ) async throws -> String {
        let answer = try await client.request(
            .addFlow(as: owner, type: "group", title: "Group of \(users.count)", users: users))
        guard answer.isSuccess, let uuid = answer.data?.flow?.first?.uuid?.description else {
            throw MTPClientRefusal(answer)
        }
        return uuid
    }

    /// Sends messages, one after the other.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - flow: Where to.
    ///   - author: Who sends.
    ///   - url: The address of MTP.
    /// - Returns: The messages' uuids.
    /// - Throws: `MTPClientRefusal` or `ClientError` when the server does not take them.
    package static func sendMessages(
        _ count: Int, to flow: String, as author: MTPCredentials, at url: String
    ) async throws -> [String] {
        let client = try await MTPClient.connect(url: url)
        var messages: [String] = []
        for number in 0..<count {
            let message = MessageObject(clientID: Int64(number), text: "parley")
            let answer = try await client.request(.sendMessage(as: author, flow: flow, message))
            guard answer.isSuccess, let uuid = answer.data?.message?.first?.uuid?.description else {
                throw MTPClientRefusal(answer)
            }
            messages.append(uuid)
        }
        await client.close()
        return messages
    }

    /// Raises the soft limit of open files to the hard one.
    ///
    /// - Parameter count: How many are needed.
    /// - Throws: `BenchmarkFailure` when the hard limit is lower than that.
    package static func allowOpenFiles(_ count: Int) throws(BenchmarkFailure) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
        guard limit.rlim_cur >= UInt(count) else {
            throw BenchmarkFailure(
                "Only \(limit.rlim_cur) files may be open; raise the hard limit (ulimit -Hn) to \(count).")
        }
    }
}

extension MTPRequest {
    /// Switches pushes on from now.
    package static func startOfPush(as principal: MTPCredentials) -> MTPRequest {
        // No message is so young: the answer is empty and ends at the head of the log.
        .getUpdate(as: principal, time: 32_503_680_000, push: true)
    }
}
