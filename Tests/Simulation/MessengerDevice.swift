// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Messenger
import NIOCore
import Storage

/// A client of messenger: no identifiers, no answers to messages, one request at a time.
final class MessengerDevice: Device, @unchecked Sendable {
    private var key: MessengerKey?
    private var waiting: [MessengerRequest] = []
    private var isSending = false

    override var isReady: Bool { isConnected && key != nil }
    override var namesMessages: Bool { false }
    override var showsOwnAccount: Bool { false }
    override func open(_ node: SimulatedNode) -> SimulatedSocket { node.connectMessenger(self, world: world) }

    override func begin() {
        key = nil
        waiting = []
        ask(.logIn(login: account.login, password: World.password))
    }

    /// The server takes a pause for the end of a request.
    private func ask(_ request: MessengerRequest) {
        waiting.append(request)
        sendNext()
    }

    private func sendNext() {
        guard !isSending, !waiting.isEmpty, let socket else { return }
        isSending = true
        socket.write(ByteBuffer(bytes: waiting.removeFirst().encoded()))
        world.scheduler.after(.milliseconds(200), for: nil) { [self] in
            isSending = false
            sendNext()
        }
    }

    override func send(_ said: Said) {
        guard let key else { return }
        // Nothing says what becomes of it.
        said.outcome = .unknown
        let conversation = said.conversation
        let other = conversation.kind == .chat ? conversation.members.first { $0 !== account } : nil
        let recipient = other.map { MessengerRecipient.login($0.login) } ?? .group(conversation.id.rawValue)
        ask(.send(key, to: recipient, text: said.text))
    }

    override func lost() {
        key = nil
        waiting = []
    }

    /// What one read brings is one unit: the socket carries each write by itself.
    override func received(_ bytes: ByteBuffer) {
        guard let node, let unit = MessengerUnit(decoding: Array(bytes.readableBytesView)) else {
            return world.problem("\(name) cannot read a unit of \(bytes.readableBytes) bytes")
        }
        switch unit {
        case .answer(.loggedIn(let key)):
            world.trace("\(name) is logged in")
            self.key = key
        case .answer(let answer):
            world.trace("\(name) is answered \(answer)")
            if key == nil { disconnect() }
        case .message(_, let text):
            // A group's title comes first.
            let isTitled = text.hasPrefix("[") && !text.hasPrefix(Verdict.sealedText)
            let end = isTitled ? text.firstIndex(of: "]").map { text.index(after: $0) } : nil
            let shown = String(text[(end ?? text.startIndex)...].drop { $0 == " " })
            world.trace("\(name) is shown \(shown)")
            show(
                Shown(
                    uuid: "", text: shown, isChanged: false, time: world.scheduler.now, node: node,
                    connection: connections, session: session, isPushed: true))
        case .presence: break
        }
    }

    override func mayShowTwice(_ before: Shown, _ again: Shown) -> Bool {
        world.mayHaveForgotten(before, again, by: self)
    }
}
