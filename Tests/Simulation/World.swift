// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation
import Chat
import Credentials
import FastChat
import Storage

/// Everything of one seed: the store, the nodes, the people and their devices.
final class World: @unchecked Sendable {
    /// Everybody's.
    static let password = "correct horse"
    /// When the log's time begins, in milliseconds since 1970.
    static let start: Int64 = 1_700_000_000_000

    let scheduler: Scheduler
    let trace: Trace
    let database: SimulatedDatabase
    let hasher: PasswordHasher
    let keys: Keys
    let sealer = Sealer(keys: [[UInt8](repeating: 7, count: Sealer.keyBytes)])
    /// What the play draws from.
    var random: SeededRandom
    let weather: StoreWeather
    let longestDelay: Duration
    /// How much a connection takes before it waits for acknowledgements.
    let socketBytes: Int
    let outboundBytes: Int
    let pageMessages: Int

    var nodes: [SimulatedNode] = []
    private var nodeNames = 0
    /// How many people have had a name.
    var names = 0
    /// A way to the store on which nothing goes wrong.
    let calm: Storage
    var accounts: [Account] = []
    var conversations: [Conversation] = []
    /// Those that somebody wanted deleted.
    var formerConversations: [Conversation] = []
    var devices: [Device] = []
    var said: [Said] = []
    var changes: [Change] = []
    var membershipChanges: [MembershipChange] = []
    /// Where revocations that were answered are in the log, by session.
    var revocations: [SessionID: Revocation] = [:]
    /// The same of deleted accounts and conversations, by their row.
    var deletedAccounts: [Int64: Revocation] = [:]
    var deletedFlows: [Int64: Revocation] = [:]
    /// Who was in each conversation from the start.
    var founders: [ObjectIdentifier: [Account]] = [:]
    /// The other texts that were asked for a message, by its uuid.
    private(set) var everSaid: [String: Set<String>] = [:]
    private var ownChanges: Set<String> = []
    /// Nothing goes wrong any more, and everybody comes back.
    var isHealing = false
    var isSetUp = false
    private(set) var problems: [String] = []
    /// The fault that is yet to be planted.
    private var plant = Plant.asked

    /// The end of a session, an account or a conversation.
    struct Revocation {
        var position: Position
        /// When it was acknowledged.
        var time: Duration
        /// The server that did it.
        var node: SimulatedNode
    }

    init(seed: UInt64, database: SimulatedDatabase, hasher: PasswordHasher, keys: Keys) {
        self.keys = keys
        random = SeededRandom(seed: seed)
        scheduler = Scheduler(seed: random.next())
        ProcessExecutors.current = scheduler
        trace = Trace(scheduler)
        self.database = database
        self.hasher = hasher
        simulation_seed_random(random.next())
        longestDelay = random.pick([.milliseconds(1), .milliseconds(5), .milliseconds(50)]) ?? .zero
        socketBytes = random.pick([512, 4096, 65_536]) ?? 0
        outboundBytes = random.pick([1024, 16_384, 1 << 20]) ?? 0
        pageMessages = random.pick([3, 10, 100]) ?? 0
        var weather = StoreWeather()
        weather.longestDelay = random.pick([.milliseconds(1), .milliseconds(10), .milliseconds(200)]) ?? .zero
        if random.chance(60), !Play.leavesOut("faults") {
            weather.failsPercent = random.pick([0.3, 2, 10]) ?? 0
            weather.breaksPercent = random.pick([0, 1, 5]) ?? 0
            weather.lostHintsPercent = random.pick([0, 20, 100]) ?? 0
        }
        self.weather = weather
        trace("\(weather), network up to \(longestDelay), socket \(socketBytes), pages of \(pageMessages)")
        let office = SimulatedProcess("office")
        let signals = SimulatedSignals(
            process: office, scheduler: scheduler, trace: trace, weather: StoreWeather(), seed: 0)
        calm = Storage(
            engine: SimulatedEngine(
                database, signals: signals, process: office, scheduler: scheduler, trace: trace,
                weather: StoreWeather(), seed: 0)
        ) { Timestamp(milliseconds: World.start) }
        database.onNotify = { [unowned self] text in
            for node in nodes where !node.process.isDead { node.signals.notified(text) }
        }
    }

    /// Whether to plant this fault now; it is done once.
    func plants(_ fault: Plant) -> Bool {
        guard plant == fault else { return false }
        plant = nil
        trace("A fault is planted: \(fault)")
        return true
    }

    func problem(_ text: String) {
        trace("PROBLEM: \(text)")
        problems.append(text)
    }

    /// Notes that a device asks for another text of a message; `nil` for its deletion.
    func asks(_ device: Device, toChange uuid: String, to text: String?) {
        if let text { everSaid[uuid, default: []].insert(text) }
        ownChanges.insert("\(device.name) \(uuid) \(text ?? "-")")
    }

    /// Whether a device itself asked for a change.
    func isOwnChange(_ line: LogLine, of uuid: String, by device: Device) -> Bool {
        ownChanges.contains("\(device.name) \(uuid) \(line.kind == "deletion" ? "-" : line.text ?? "")")
    }

    /// The session that a token opens.
    func session(of token: String) -> SessionID {
        let hash = TokenHash(of: token).bytes
        let rows = try? database.read { connection in
            try connection.rows("SELECT id FROM sessions WHERE token_hash = $1", [.bytes(hash)])
        }.get()
        guard case .int(let id)? = rows?.first?.first else { return SessionID(0) }
        return SessionID(id)
    }

    /// Takes a message from the log.
    func forget(_ uuid: Identifier) {
        _ = database.write(failing: nil) { connection in
            try connection.execute("DELETE FROM events WHERE uuid = $1", [.bytes(uuid.bytes)])
        }
    }

    /// Makes a message in the log somebody else's.
    func forge(_ uuid: Identifier, by account: Account) {
        _ = database.write(failing: nil) { connection in
            try connection.execute(
                "UPDATE events SET sender_id = $1 WHERE uuid = $2", [.int(account.id.rawValue), .bytes(uuid.bytes)])
        }
    }

    /// Somebody who is not in a conversation of two; `nil` for other conversations, whose members change.
    func stranger(to conversation: Conversation) -> Account? {
        guard conversation.kind == .chat else { return nil }
        return accounts.first { account in !conversation.members.contains { $0 === account } }
    }

    /// Makes a join of a leave in the log.
    func turn(_ leave: Position) {
        _ = database.write(failing: nil) { connection in
            try connection.execute("UPDATE events SET type = 'join' WHERE position = $1", [.int(leave.rawValue)])
        }
    }

    /// Takes a leave from the table of members.
    func undo(_ leave: Position) {
        _ = database.write(failing: nil) { connection in
            try connection.execute(
                "UPDATE flow_members SET left_position = NULL WHERE left_position = $1", [.int(leave.rawValue)])
        }
    }

    /// How all clients name a conversation, by its row.
    func uuid(of flow: FlowID) -> Identifier {
        let rows = try? database.read { connection in
            try connection.rows("SELECT uuid FROM flows WHERE id = $1", [.int(flow.rawValue)])
        }.get()
        guard case .bytes(let bytes)? = rows?.first?.first else { return Identifier(0) }
        return Identifier(bytes: bytes) ?? Identifier(0)
    }

    /// How long the end of a connection may take until every node knows what was shown on it.
    private static let savingTime = Duration.seconds(2)

    /// How long what was written before the server ended a connection may have been on its way.
    private static let travelTime = Duration.seconds(1)

    /// Whether the server may have forgotten that something was shown: its process died, it could not write, the client
    /// was at another node before the write was done, or it was on its way when the server ended the connection or the
    /// session.
    func mayHaveForgotten(_ before: Shown, _ again: Shown, by device: Device) -> Bool {
        guard before.connection != again.connection else { return false }
        if before.node.wasKilled || before.node.lastTrouble > before.time { return true }
        let end = [device.toldToGo[before.connection], revocations[before.session]?.time].compactMap { $0 }.min()
        if let end, end - before.time < Self.travelTime { return true }
        guard before.node !== again.node, let left = device.ended[before.connection],
            let came = device.began[again.connection]
        else { return false }
        return came - left < Self.savingTime
    }

    // MARK: Nodes

    var serving: [SimulatedNode] { nodes.filter { $0.isServing } }

    func startNode() {
        nodeNames += 1
        let node = SimulatedNode("node\(nodeNames)", world: self)
        if isSetUp, !isHealing { node.expose(to: weather) }
        nodes.append(node)
        trace("\(node.name) starts")
    }
}
