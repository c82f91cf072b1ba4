// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Settings
import TestClient

extension ConnectionOptions {
    /// Ends a session of MTP, which has no method for it, through the admin socket of a server on this machine.
    ///
    /// A session on another server ends by itself, after `[SESSION] TOKEN_TTL` there.
    func logOut(_ credentials: MTPCredentials, _ settings: Settings) async {
        guard isLocal(settings) else { return }
        let operation = EndSession(uuid: credentials.uuid, token: SecretText(credentials.authID))
        _ = try? await OperationRunner(settings: settings).withServer { try await $0.run(operation) }
    }
}
