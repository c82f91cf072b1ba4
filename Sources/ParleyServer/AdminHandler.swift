// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
package import Logging
package import Operations
package import Transport

/// What the admin socket serves: every administrative operation by its name.
package enum AdminHandler {
    /// Answers requests of `manage` with the operations on a running server's domain.
    ///
    /// - Parameters:
    ///   - chat: The domain; it must be running.
    ///   - listeners: Where the server listens.
    ///   - heartbeat: Sends a heartbeat of the server now.
    ///   - control: What the server does apart from its data.
    ///   - logger: Told which operations were run, without their parameters.
    /// - Returns: The handler for an `AdminSocketServer`.
    package static func handler(
        chat: Chat, listeners: @escaping @Sendable () -> [ServerListener] = { [] },
        heartbeat: @escaping @Sendable () async -> Void = {}, control: ServerControl? = nil, logger: Logger
    ) -> AdminRequestHandler {
        { line, peer, send in
            let context = OperationContext(
                chat: chat, actor: .systemUser(peer.userID, through: .socket), listeners: listeners,
                heartbeat: heartbeat, control: control)
            let (name, error) = await OperationRegistry.answer(line, on: context, send: send)
            guard let name else {
                logger.warning("A request on the admin socket names no operation")
                return
            }
            let isWatching = OperationRegistry.operation(named: name)?.isWatching == true
            if isWatching, error != nil, Task.isCancelled {
                // That the operator ends 'manage tail' is no failure.
                logger.debug("The watching of an operation ended", metadata: ["admin.operation": "\(name)"])
            } else if let error {
                logger.info(
                    "Operation failed",
                    metadata: ["admin.operation": "\(name)", "admin.error.kind": "\(error.kind.rawValue)"])
            } else {
                logger.log(
                    level: isWatching ? .debug : .info, "Operation done", metadata: ["admin.operation": "\(name)"]
                )
            }
        }
    }
}
