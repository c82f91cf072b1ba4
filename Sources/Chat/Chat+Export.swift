// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Chat {
    /// What an account may read of a flow, by the rule for what it asks for itself, for a copy of all its data.
    ///
    /// - Throws: `.noSuchFlow`, also for one that the account never saw.
    package func readableFlow(
        _ uuid: Identifier, forCopyOf user: UserRecord
    ) async throws(ChatError) -> ReadableFlow {
        try await readableFlow(
            uuid,
            for: Principal(
                user: user.id, uuid: user.uuid, session: SessionID(0), expires: Timestamp(milliseconds: .max)))
    }
}
