// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Where a running server accepts the clients of one protocol.
package struct ServerListener: Codable, Sendable, Equatable {
    /// `mtp`, `skaro`, `messenger`, `fastchat` or `balancer`.
    package var `protocol`: String
    /// The host it listens on, without brackets; may stand for every address of the machine.
    package var host: String
    /// The bound port.
    package var port: Int
    /// Whether it speaks TLS.
    package var isSecure: Bool
    /// Whether a service manager passed the socket.
    package var isPassed: Bool?

    package init(protocol: String, host: String, port: Int, isSecure: Bool, isPassed: Bool? = nil) {
        self.protocol = `protocol`
        self.host = host
        self.port = port
        self.isSecure = isSecure
        self.isPassed = isPassed
    }
}

/// `server.addresses`: where the running server listens, whatever its settings file says by now.
package struct ServerAddresses: AdminOperation {
    /// What `server.addresses` tells.
    package struct Report: Codable, Sendable {
        /// The listeners; none when no server is running.
        package var listeners: [ServerListener]
    }

    package static let name = "server.addresses"
    package static let summary = "Say where the server listens."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false
    package static let isWatching = true

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        Report(listeners: context.listeners())
    }
}
