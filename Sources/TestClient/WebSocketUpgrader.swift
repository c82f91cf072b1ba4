// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The client's side of the upgrade.
///
/// Unlike NIO's own it leaves the encoder out: `WebSocketFrameBytes` writes frames whole.
struct WebSocketUpgrader: NIOTypedHTTPClientProtocolUpgrader {
    typealias UpgradeResult = Void

    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []
    let maximumFrameBytes: Int
    let makeHandler: @Sendable () -> WebSocketClientHandler
    /// Knows the key and checks the server's proof of it.
    private let handshake: NIOWebSocketClientUpgrader

    init(maximumFrameBytes: Int, makeHandler: @escaping @Sendable () -> WebSocketClientHandler) {
        self.maximumFrameBytes = min(maximumFrameBytes, Int(UInt32.max))
        self.makeHandler = makeHandler
        self.handshake = NIOWebSocketClientUpgrader { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
    }

    func addCustom(upgradeRequestHeaders: inout HTTPHeaders) {
        handshake.addCustom(upgradeRequestHeaders: &upgradeRequestHeaders)
    }

    func shouldAllowUpgrade(upgradeResponse: HTTPResponseHead) -> Bool {
        handshake.shouldAllowUpgrade(upgradeResponse: upgradeResponse)
    }

    func upgrade(channel: any Channel, upgradeResponse: HTTPResponseHead) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let decoder = WebSocketFrameDecoder(maxFrameSize: maximumFrameBytes)
            try channel.pipeline.syncOperations.addHandlers([ByteToMessageHandler(decoder), makeHandler()])
        }
    }
}
