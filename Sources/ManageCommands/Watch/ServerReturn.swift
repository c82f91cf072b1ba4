// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Operations
import Settings
import Transport

/// Waits for a server that a command was watching when it ended.
enum ServerReturn {
    private static let pause = Duration.seconds(1)

    /// Whether an error says that the server of the admin socket has gone.
    static func isLoss(_ error: any Error) -> Bool {
        switch error {
        case let error as AdminSocketError: error.code == .notRunning || error.code == .disconnected
        case let error as CommandError: error.status == .unavailable
        // What a server that ends did not finish.
        case let error as OperationError: error == .interrupted
        case is IOError, is ChannelError: true
        default: false
        }
    }

    /// Runs `body` on the server as soon as there is one again; never opens the store, which would keep the server out.
    ///
    /// - Returns: What `body` returns; `nil` when the output is not read any more.
    static func wait<Value: Sendable>(
        _ runner: OperationRunner, _ body: @escaping @Sendable (OperationCaller) async throws -> Value
    ) async throws -> Value? {
        while true {
            try await Task.sleep(for: pause)
            guard CommandContext.current.standardOutput.hasReader else { return nil }
            do {
                if let value = try await runner.withServer(body) { return value }
            } catch  where isLoss(error) {
                // It is only just starting or ending.
            }
        }
    }
}

extension Settings {
    /// Whether several processes may use the database at the same time.
    var isDatabaseShared: Bool {
        if case .postgres = database.location { true } else { false }
    }
}
