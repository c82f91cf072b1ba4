// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import BenchmarkHarness
import MTP
import NIOCore
import TestClient

/// A connection that logged in and then says nothing.
final class IdleConnection: Sendable {
    private let client: MTPClient

    /// Connects and shows the account's token; with push, the answer to that begins it.
    init(url: String, account: MTPCredentials, _ wantsPush: Bool) async throws {
        client = try await MTPClient.connect(url: url)
        let request: MTPRequest =
            wantsPush ? .startOfPush(as: account) : .pingPong(as: account)
        let answer = try await client.request(request)
        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
    }

    /// Whether the connection is still there.
    var isLive: Bool { client.closure == nil }

    /// Sends a request of the account.
    ///
    /// - Parameter request: What to send.
    /// - Returns: An answer that says it was fulfilled.
    /// - Throws: `MTPClientRefusal` for any other.
    func answer(to request: MTPRequest) async throws -> MTPResponse {
        let answer = try await client.request(request)
        guard answer.isSuccess else { throw MTPClientRefusal(answer) }
        return answer
    }

    /// Waits for the next push.
    ///
    /// - Throws: `BenchmarkFailure` when the connection ends without one.
    func pushed() async throws {
        for await push in client.pushes where push.data?.message?.isEmpty == false { return }
        throw BenchmarkFailure("A connection ended without the push that it waited for.")
    }

    /// Ends the connection.
    func close() async {
        await client.close()
    }
}
