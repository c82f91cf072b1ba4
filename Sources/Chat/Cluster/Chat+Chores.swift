// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Chat {
    /// A server that was silent for longer does nothing for the others.
    private static let silenceMilliseconds: Int64 = 15_000

    /// Whether this server does what one does for all that share the store.
    ///
    /// It is the first one of those that are alive and in the normal mode; without any, the first one that is
    /// read-only. One in maintenance never does.
    package func doesCommonChores() async throws(StorageError) -> Bool {
        let alive = try await storage.nodes().filter { $0.ageMilliseconds < Self.silenceMilliseconds }
        let nodes = alive.map(ServerNode.init).sorted { $0.id < $1.id }
        // A read-only one makes backups, but erases nothing: while it came first, messages would stay for ever.
        let first = nodes.first { $0.mode == .normal } ?? nodes.first { $0.mode == .readOnly }
        return first?.id == policy.node.id
    }
}
