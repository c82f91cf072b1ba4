// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials

/// `fastchat.sign`: the balancer's signature for a server's address, which a FastChat client needs to log in there.
///
/// It is what the balancer itself would give out: for clients of this machine when no balancer runs.
package struct SignAssignment: AdminOperation {
    /// What `fastchat.sign` tells.
    package struct Report: Codable, Sendable {
        /// In base64.
        package var sign: String
    }

    package static let name = "fastchat.sign"
    package static let summary = "Sign a server's address as the balancer does."
    package static let access = OperationActor.Scope.read

    /// The name of the balancer's key pair.
    package static let keyName = "balancer"

    /// The server's host as its clients reach it.
    package var host: String
    /// The server's port as its clients reach it.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        guard (1...65535).contains(port), !host.isEmpty, host.utf8.count <= 255 else {
            throw OperationError(.invalid, "'\(host.prefix(255)):\(port)' is no address of a server.")
        }
        let key = try await context.asking { try await $0.serverKey(Self.keyName) }
        do {
            return Report(sign: try key.signature(of: host + String(port)))
        } catch {
            throw OperationError(.failed, "The address could not be signed.")
        }
    }
}
