// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Storage

/// A person with an account.
final class Account: @unchecked Sendable {
    let login: String
    var id = UserID(0)
    var uuid = Identifier(0)
    /// A FastChat client made it, with the key of that client.
    var isFastChat = false
    /// A client asked for its end, which may not have come.
    var mayBeDeleted = false

    init(_ login: String) {
        self.login = login
    }
}

/// A conversation of the play, as the players believe it to be.
final class Conversation: @unchecked Sendable {
    let name: String
    var kind: FlowRecord.Kind
    var id = FlowID(0)
    var uuid = Identifier(0)
    var owner: Account
    var isPublic: Bool
    /// Who is in it as far as is known, to choose by; the log says who really was.
    var members: [Account]

    init(_ name: String, _ kind: FlowRecord.Kind, owner: Account, isPublic: Bool, members: [Account]) {
        self.name = name
        self.kind = kind
        self.owner = owner
        self.isPublic = isPublic
        self.members = members
    }
}

/// What became of a request that changes the log.
enum Outcome: Equatable {
    case waiting
    /// The server said that it is done.
    case done
    /// The server said that it is not done, and will not be.
    case refused(String)
    /// No answer came, or one that leaves it open.
    case unknown

    var isRefused: Bool {
        if case .refused = self { true } else { false }
    }
}

/// A message that a device sent; its text is its own.
final class Said: @unchecked Sendable {
    let text: String
    let device: Device
    let conversation: Conversation
    /// The connection it was sent on, and its place among what was sent there.
    let connection: Int
    let place: Int
    var outcome = Outcome.waiting
    /// As the answer named it.
    var uuid: String?
    /// Whom the sender encrypted it for.
    var recipients: Set<Int64> = []

    init(_ text: String, by device: Device, to conversation: Conversation, connection: Int, place: Int) {
        self.text = text
        self.device = device
        self.conversation = conversation
        self.connection = connection
        self.place = place
    }
}

/// A message as a device showed it.
struct Shown {
    var uuid: String
    var text: String
    var isChanged: Bool
    var time: Duration
    var node: SimulatedNode
    var connection: Int
    var session: SessionID
    /// It came by itself, not in an answer.
    var isPushed: Bool
    /// When the server wrote it.
    var written = Duration.zero
}

/// A client of one protocol: sends what the play says and keeps what it is shown.
class Device: SimulatedPeer, @unchecked Sendable {
    let name: String
    let account: Account
    unowned let world: World
    var token = ""
    var session = SessionID(0)
    /// The session was revoked, as far as the client knows.
    var isLoggedOut = false
    private(set) var node: SimulatedNode?
    private(set) var socket: SimulatedSocket?
    /// How many connections it has had.
    private(set) var connections = 0
    /// When each connection was made and when it ended, by its number.
    private(set) var began: [Int: Duration] = [:]
    private(set) var ended: [Int: Duration] = [:]
    /// When the server said on a connection that it was to end.
    private(set) var toldToGo: [Int: Duration] = [:]
    var sentHere = 0
    var shown: [Shown] = []

    init(_ name: String, of account: Account, world: World) {
        self.name = name
        self.account = account
        self.world = world
    }

    var isConnected: Bool { socket != nil }

    /// Whether messages can be sent.
    var isReady: Bool { false }
    /// Whether it is logged in and shown what is said.
    var isBack: Bool { isReady }

    func connect(to node: SimulatedNode) {
        guard socket == nil, !isLoggedOut else { return }
        connections += 1
        sentHere = 0
        began[connections] = world.scheduler.now
        self.node = node
        world.trace("\(name) connects to \(node.name)")
        socket = open(node)
        begin()
    }

    /// The server ended the connection with a code.
    func toldToGo(_ code: some CustomStringConvertible) {
        world.trace("\(name) is told to go: \(code)")
        toldToGo[connections] = world.scheduler.now
    }

    /// The client goes away.
    func disconnect() {
        guard let socket else { return }
        world.trace("\(name) disconnects from \(node?.name ?? "-")")
        self.socket = nil
        ended[connections] = world.scheduler.now
        socket.cut()
        lost()
    }

    final func received(_ bytes: ByteBuffer, on socket: SimulatedSocket) {
        guard socket === self.socket else { return }
        received(bytes)
    }

    final func ended(_ socket: SimulatedSocket) {
        guard socket === self.socket else { return }
        world.trace("\(name) was disconnected by \(node?.name ?? "-")")
        self.socket = nil
        ended[connections] = world.scheduler.now
        lost()
    }

    func show(_ shown: Shown) {
        var shown = shown
        shown.written = socket?.lastWritten ?? shown.time
        guard shown.isPushed else { return self.shown.append(shown) }
        if world.plants(.dropped) || shown.isChanged && world.plants(.stale) { return }
        self.shown.append(shown)
        if Plant.asked == .leaked { leak(shown) }
        if world.plants(.doubled) { self.shown.append(shown) }
        let last = self.shown.count - 1
        guard last > 0, self.shown[last - 1].connection == shown.connection, world.plants(.swapped) else { return }
        self.shown.swapAt(last - 1, last)
    }

    private func leak(_ shown: Shown) {
        guard let said = world.said.first(where: { $0.uuid == shown.uuid }),
            let stranger = world.stranger(to: said.conversation),
            let device = world.devices.first(where: { $0.account === stranger }), world.plants(.leaked)
        else { return }
        device.shown.append(shown)
    }

    // MARK: For the protocol

    /// Whether it is told when a message is edited or deleted.
    var showsChanges: Bool { false }
    /// Whether messages have identifiers.
    var namesMessages: Bool { true }
    /// Whether it is shown what other devices of the same account send.
    var showsOwnAccount: Bool { true }
    /// Whether what it was shown may come again.
    func mayShowTwice(_ before: Shown, _ again: Shown) -> Bool { false }

    /// Opens the connection.
    func open(_ node: SimulatedNode) -> SimulatedSocket { preconditionFailure("each protocol has its own") }
    /// The connection is open: logs in.
    func begin() {}
    func received(_ bytes: ByteBuffer) {}
    /// The connection is gone: requests in flight have no answer.
    func lost() {}
    func send(_ said: Said) {}
    /// Asks for an edit or a deletion.
    func send(_ change: Change) {}
}
