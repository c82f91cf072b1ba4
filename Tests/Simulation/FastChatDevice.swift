// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import JSON
import NIOCore
import Storage

/// A client of FastChat: what it is shown is encrypted for its key, and it encrypts for the keys that it is told.
final class FastChatDevice: Device, @unchecked Sendable {
    private var isIn = false
    /// What waits for the keys to encrypt it with, in the order in which they were asked for.
    private var waiting: [Said] = []

    /// The balancer's name for every node.
    static let address = (host: "node.example", port: 8010)

    override var isReady: Bool { isConnected && isIn }
    override var namesMessages: Bool { false }
    override var showsOwnAccount: Bool { false }
    override func open(_ node: SimulatedNode) -> SimulatedSocket { node.connectFastChat(self, world: world) }

    override func begin() {
        isIn = false
        ask(.logIn(Self.number(of: account), password: World.password, sign: world.keys.sign))
    }

    override func lost() {
        isIn = false
        waiting = []
    }

    private static func number(of account: Account) -> FastChatUserNumber {
        FastChatUserNumber(1_000_000_000 + account.id.rawValue)
    }

    private var number: FastChatUserNumber { Self.number(of: account) }

    private func ask(_ request: FastChatRequest) {
        socket?.write(ByteBuffer(bytes: request.encoded()))
    }

    // MARK: Writing

    override func send(_ said: Said) {
        // Nothing says what becomes of it.
        said.outcome = .unknown
        waiting.append(said)
        let conversation = said.conversation
        if conversation.kind == .chat {
            guard let other = conversation.members.first(where: { $0 !== account }) else { return }
            ask(.userKey(Self.number(of: other), from: number))
        } else {
            ask(.groupKeys(FastChatGroupNumber(conversation.id.rawValue), from: number))
        }
    }

    private func take(_ reply: FastChatKeysReply) {
        guard !waiting.isEmpty else { return world.problem("\(name) was sent keys that it did not ask for") }
        let said = waiting.removeFirst()
        let isGroup = said.conversation.kind != .chat
        if reply.isGroup != isGroup { world.problem("\(name) was sent the keys for something else") }
        guard let keys = reply.keys, !keys.isEmpty else {
            return world.trace("\(name): there is nobody to encrypt \(said.text) for")
        }
        do {
            // The members of a message that the server does not read stay readable in the log: the text is one of them.
            let header = FastChatHeader(kind: .text, sender: number, time: said.text)
            let copies = try keys.map { try copy(of: said, for: $0) }
            if isGroup {
                ask(
                    .group(
                        FastChatGroupMessage(
                            header, to: FastChatGroupNumber(said.conversation.id.rawValue), copies: copies)))
            } else {
                ask(.direct(FastChatMessage(header, copies[0])))
            }
        } catch {
            world.problem("\(name) cannot encrypt: \(error)")
        }
    }

    private func copy(of said: Said, for key: FastChatKeysReply.Key) throws -> FastChatCopy {
        var random = SecureRandom()
        let envelope = try HybridEnvelope(sealing: said.text, for: RSAPublicKey(pem: key.pem), using: &random)
        said.recipients.insert(key.user.rawValue - 1_000_000_000)
        return FastChatCopy(
            recipient: key.user, body: JSONText(envelope.message), key: JSONText(envelope.key))
    }

    // MARK: Groups

    /// Asks for a group of the account and others.
    func makeGroup(of others: [Account]) {
        world.trace("\(name) makes a group of \(others.map(\.login))")
        ask(.createGroup(members: others.map(Self.number), from: number))
    }

    /// Asks that somebody joins or leaves.
    func change(_ group: Conversation, _ member: Account, leaves: Bool) {
        world.trace("\(name) wants \(member.login) to \(leaves ? "leave" : "join") \(group.name)")
        // Its answers do not say which request they are for: the outcome stays unknown.
        world.membershipChanges.append(MembershipChange(leaves ? .leave : .join, group, member))
        let flow = FastChatGroupNumber(group.id.rawValue)
        if leaves {
            ask(.removeFromGroup(flow, member: Self.number(of: member), from: number))
            group.members.removeAll { $0 === member }
        } else {
            ask(.addToGroup(flow, member: Self.number(of: member), from: number))
            group.members.append(member)
        }
    }

    private func take(_ notice: FastChatNotice) {
        world.trace("\(name) is told: \(notice.text)")
        guard notice.text.hasPrefix("You have successfully created"), let group = notice.group else { return }
        world.addGroup(FlowID(group.rawValue), of: account)
    }

    // MARK: Reading

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
            for item in items {
                switch item {
                case .message(let message): take(message)
                case .keys(let reply): take(reply)
                case .notice(let notice, _): take(notice)
                }
            }
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
