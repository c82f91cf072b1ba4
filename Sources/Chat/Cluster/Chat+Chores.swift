// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Chat {
    /// A server that was silent for longer does nothing for the others.
    private static let silenceMilliseconds: Int64 = 15_000

    /// Whether this server does what one does for all that share the store: of those that are alive and not in
    /// maintenance it is the first one.
    package func doesCommonChores() async throws(StorageError) -> Bool {
        let alive = try await storage.nodes().filter { $0.ageMilliseconds < Self.silenceMilliseconds }
        let first = alive.map(ServerNode.init).filter { $0.mode != .maintenance }.map(\.id).min()
        return first == policy.node.id
    }
}
