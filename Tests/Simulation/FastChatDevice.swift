// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import JSON
import NIOCore
import Storage

/// A client of FastChat that reads: everything it is shown is encrypted for its key.
final class FastChatDevice: Device, @unchecked Sendable {
    private var isIn = false

    /// The balancer's name for every node.
    static let address = (host: "node.example", port: 8010)

    /// Ready to be shown what is said; it says nothing itself.
    override var isReady: Bool { false }
    override var isBack: Bool { isConnected && isIn }
    override var namesMessages: Bool { false }
    override var showsOwnAccount: Bool { false }
    override func open(_ node: SimulatedNode) -> SimulatedSocket { node.connectFastChat(self, world: world) }

    override func begin() {
        isIn = false
        let number = FastChatUserNumber(1_000_000_000 + account.id.rawValue)
        let request = FastChatRequest.logIn(number, password: World.password, sign: world.keys.sign)
        socket?.write(ByteBuffer(bytes: request.encoded()))
    }

    override func lost() { isIn = false }

    /// What one read brings is one unit: the socket carries each write by itself.
    override func received(_ bytes: ByteBuffer) {
        let unit: FastChatServerUnit
        do {
            unit = try FastChatServerUnit(decoding: Array(bytes.readableBytesView))
        } catch {
            return world.problem("\(name) cannot read a unit: \(error)")
        }
        switch unit {
        case .reply(let reply):
            world.trace("\(name): \(reply.message)")
            if reply == .loggedIn { isIn = true } else { disconnect() }
        case .items(let items):
            for case .message(let message) in items { take(message) }
        }
    }

    private func take(_ message: FastChatMessage) {
        guard let node else { return }
        let envelope = HybridEnvelope(message: message.copy.body.string, key: message.copy.key.string)
        var random = SecureRandom()
        guard let text = envelope.text(openedWith: world.keys.reader, using: &random) else {
            return world.problem("\(name) cannot open a message")
        }
        world.trace("\(name) is shown \(text)")
        show(
            Shown(
                uuid: "", text: text, isChanged: false, time: world.scheduler.now, node: node,
                connection: connections, session: session, isPushed: true))
    }

    override func mayShowTwice(_ before: Shown, _ again: Shown) -> Bool {
        world.mayHaveForgotten(before, again, by: self)
    }
}
