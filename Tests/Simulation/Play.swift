// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Storage

/// What happens to a world, drawn from its seed: some time of everything, then time to recover.
struct Play {
    let world: World
    private var saidCount = 0

    init(_ world: World) {
        self.world = world
    }

    var random: SeededRandom {
        get { world.random }
        nonmutating set { world.random = newValue }
    }

    /// Plays it all.
    mutating func run() {
        world.startNode()
        world.setUp(people: 2 + Int(random.next() % 4))
        guard run(for: .seconds(20)), world.isSetUp else { return world.problem("the play was not set up") }
        for node in world.nodes { node.expose(to: world.weather) }
        while world.nodes.count < 1 + Int(random.next() % 3) { world.startNode() }
        for device in world.devices where random.chance(70) { connect(device) }
        let actions = 50 + Int(random.next() % 250)
        let pace = random.pick([Duration.milliseconds(10), .milliseconds(100), .seconds(1)]) ?? .zero
        for _ in 0..<actions {
            act()
            guard run(for: random.time(.zero, pace)) else { return }
        }
        recover()
    }

    private func run(for time: Duration) -> Bool {
        if world.scheduler.run(until: world.scheduler.now + time) {
            world.problem("something goes round in circles")
            return false
        }
        return true
    }

    private func connect(_ device: Device) {
        guard let node = random.pick(world.serving) else { return }
        device.connect(to: node)
    }

    // MARK: What people do

    /// What is left out, to find out what a failure needs: `PARLEY_SIMULATION_WITHOUT=kill,stop`.
    private static let leftOut = Set(
        (getenv("PARLEY_SIMULATION_WITHOUT").map { String(cString: $0) } ?? "").split(separator: ",").map(String.init))

    static func leavesOut(_ what: String) -> Bool { leftOut.contains(what) }

    private mutating func act() {
        switch random.next() % 100 {
        case 0..<45: send(1)
        case 45..<48: send(5 + Int(random.next() % 30))
        case 48..<54: edit()
        case 54..<58: delete()
        case 58..<66: changeMembers()
        case 66..<74: come()
        case 74..<80: leave()
        case 80..<84: readSlowly()
        case 84..<86: revoke()
        case 86..<88: logInAgain()
        case 88: changePeople()
        case 89: changeConversations()
        default: trouble()
        }
    }

    private mutating func send(_ count: Int) {
        guard let device = random.pick(world.devices.filter(\.isReady)) else { return come() }
        let own = world.conversations.filter { $0.isPublic || $0.members.contains { $0 === device.account } }
        // Now and then where they do not belong.
        let others = world.conversations.filter { $0.kind != .chat }
        guard let conversation = random.pick(random.chance(95) ? own : others) else { return }
        let belongs = own.contains { $0 === conversation }
        world.trace.count(!belongs ? .strangersMessages : count > 1 ? .bursts : .messages)
        for _ in 0..<count {
            saidCount += 1
            let said = Said(
                "m\(saidCount)", by: device, to: conversation, connection: device.connections, place: device.sentHere)
            device.sentHere += 1
            world.said.append(said)
            world.trace("\(device.name) says \(said.text) in \(conversation.name)")
            device.send(said)
        }
    }

    /// One of the messages that a device of the same person sent.
    private func own(_ device: Device) -> Said? {
        random.pick(world.said.suffix(40).filter { $0.device.account === device.account && $0.uuid != nil })
    }

    private mutating func edit() {
        guard let device = random.pick(world.devices.filter { $0.isReady && $0.showsChanges }), let said = own(device)
        else { return }
        saidCount += 1
        world.trace.count(.edits)
        let text = "\(said.text) edit\(saidCount)"
        world.trace("\(device.name) edits \(said.text) to \(text)")
        world.asks(device, toChange: said.uuid ?? "", to: text)
        let change = Change(said, uuid: said.uuid ?? "", to: text, by: device)
        world.changes.append(change)
        if world.plants(.unedited) { return change.answered(.done) }
        device.send(change)
        if world.plants(.editedTwice) { device.send(change) }
    }

    private func delete() {
        guard let device = random.pick(world.devices.filter { $0.isReady && $0.showsChanges }), let said = own(device)
        else { return }
        world.trace.count(.deletions)
        world.trace("\(device.name) deletes \(said.text)")
        world.asks(device, toChange: said.uuid ?? "", to: nil)
        let change = Change(said, uuid: said.uuid ?? "", to: nil, by: device)
        if !world.plants(.unasked) { world.changes.append(change) }
        if world.plants(.undeleted) { return change.answered(.done) }
        device.send(change)
    }

    private func changeMembers() {
        guard !Self.leavesOut("members") else { return }
        let groups = world.conversations.filter { !$0.isPublic && $0.kind != .chat }
        guard let group = random.pick(groups), let node = random.pick(world.serving),
            let account = random.pick(world.accounts.filter { $0 !== group.owner })
        else { return }
        let isMember = group.members.contains { $0 === account }
        let clients = world.devices.filter { $0.account === group.owner && $0.isReady }
        if random.chance(50), let client = random.pick(clients.compactMap { $0 as? FastChatDevice }) {
            world.trace.count(.clientsMemberships)
            return client.change(group, account, leaves: isMember)
        }
        world.trace.count(isMember ? .leaves : .joins)
        world.trace("\(account.login) is to \(isMember ? "leave" : "join") \(group.name), says \(node.name)")
        let change = MembershipChange(isMember ? .leave : .join, group, account)
        world.membershipChanges.append(change)
        node.perform { [world] chat in
            do {
                if isMember, world.plants(.stayed) {
                    change.position = try await chat.head().rawValue
                    change.outcome = .done
                    return
                }
                let receipt =
                    isMember
                    ? try await chat.write(Write.RemoveMember(group.id, account.id), by: group.owner.id)
                    : try await chat.write(Write.AddMember(group.id, account.id), by: group.owner.id)
                world.acknowledged(change, receipt)
                world.trace(
                    "\(account.login) has \(isMember ? "left" : "joined") \(group.name) at \(receipt.position.rawValue)"
                )
            } catch {
                change.refused(error)
                world.trace("\(account.login) and \(group.name): \(error)")
            }
            if isMember { group.members.removeAll { $0 === account } } else { group.members.append(account) }
        }
    }

    private func come() {
        let away = world.devices.filter { !$0.isConnected && !$0.isLoggedOut }
        if let device = random.pick(away) { connect(device) }
    }

    private func leave() {
        guard let device = random.pick(world.devices.filter(\.isConnected)) else { return }
        world.trace.count(.disconnections)
        device.disconnect()
    }

    private func readSlowly() {
        guard !Self.leavesOut("slow") else { return }
        guard let socket = random.pick(world.devices.compactMap(\.socket)) else { return }
        world.trace.count(.slowReaders)
        socket.isReading = false
        world.scheduler.after(random.time(.milliseconds(10), .seconds(5)), for: nil) { socket.isReading = true }
    }

    private func revoke() {
        guard !Self.leavesOut("revoke") else { return }
        let loggedIn = world.devices.filter { !$0.isLoggedOut && $0.session != SessionID(0) }
        guard let device = random.pick(loggedIn), let node = random.pick(world.serving) else { return }
        let session = device.session
        world.trace("session \(session.rawValue) of \(device.name) is to be revoked, says \(node.name)")
        node.perform { [world] chat in
            do {
                let position =
                    world.plants(.kept)
                    ? try await chat.head()
                    : try await chat.write(Write.RevokeSessions(device.account.id, session), by: nil).position
                world.trace("session \(session.rawValue) is revoked at \(position.rawValue)")
                world.revocations[session] = .init(position: position, time: world.scheduler.now, node: node)
            } catch {
                world.trace("session \(session.rawValue): \(error)")
            }
        }
    }

    private func logInAgain() {
        guard let device = random.pick(world.devices.filter(\.isLoggedOut)), let node = random.pick(world.serving)
        else { return }
        world.trace.count(.logins)
        logIn(device, at: node)
    }

    private func logIn(_ device: Device, at node: SimulatedNode) {
        node.perform { [world] chat in
            guard device.isLoggedOut else { return }
            do { try await world.logIn(device, chat) } catch { world.trace("\(device.name): \(error)") }
        }
    }

    // MARK: What goes wrong

    private func trouble() {
        guard let node = random.pick(world.nodes.filter { !$0.process.isDead }) else { return world.startNode() }
        switch random.next() % 14 {
        case 0 where !Self.leavesOut("kill"):
            world.trace.count(.kills)
            world.trace("\(node.name) is killed")
            node.kill()
        case 1 where !Self.leavesOut("stop"):
            guard node.isServing else { return }
            world.trace.count(.stops)
            world.trace("\(node.name) is stopped")
            node.stop()
        case 2, 3:
            guard world.serving.count < 3 else { return }
            world.trace.count(.starts)
            world.startNode()
        case 4 where !Self.leavesOut("stall"), 5 where !Self.leavesOut("stall"):
            let time = random.time(.milliseconds(10), .seconds(4))
            world.trace.count(.stalls)
            world.trace("\(node.name) stalls for \(time)")
            node.stall(for: time)
        case 6 where !Self.leavesOut("cut"), 7 where !Self.leavesOut("cut"):
            let time = random.time(.milliseconds(10), .seconds(3))
            world.trace.count(.storeCuts)
            world.trace("\(node.name) cannot reach the store for \(time)")
            node.engine.cut(for: time)
        case 8 where !Self.leavesOut("hints"), 9 where !Self.leavesOut("hints"):
            let time = random.time(.milliseconds(10), .seconds(3))
            world.trace.count(.hintCuts)
            world.trace("\(node.name) hears no hints for \(time)")
            node.signals.cut(for: time)
        case 12 where !Self.leavesOut("clocks"):
            let limit = random.pick([1000, 70_000, 4 * 3_600_000] as [Int64]) ?? 0
            let jump = Int64.random(in: -limit...limit, using: &world.random)
            world.trace.count(.clockJumps)
            world.trace("the clock of \(node.name) is set to be wrong by \(jump) ms")
            node.setClock(by: jump)
        default: break
        }
    }

    // MARK: The end

    /// Everything works again, everybody comes back and reads on: then nothing may be missing.
    private func recover() {
        world.trace("everything recovers")
        world.isHealing = true
        for node in world.nodes { node.heal() }
        if world.serving.isEmpty { world.startNode() }
        for device in world.devices { device.socket?.isReading = true }
        // Time for what is under way, such as a commit that is tried again.
        guard run(for: .seconds(15)) else { return }
        for _ in 0..<3 {
            for device in world.devices where device.isLoggedOut && !device.account.mayBeDeleted {
                if let node = random.pick(world.serving) { logIn(device, at: node) }
            }
            guard run(for: .seconds(1)) else { return }
            for device in world.devices where !device.isConnected && !device.account.mayBeDeleted { connect(device) }
            guard run(for: .seconds(2)) else { return }
        }
        // Until nobody is shown anything any more.
        var before = -1
        for _ in 0..<100 {
            let now = world.devices.reduce(0) { $0 + $1.shown.count }
            if now == before { break }
            before = now
            guard run(for: .seconds(6)) else { return }
        }
        for device in world.devices where !device.isBack && !device.account.mayBeDeleted {
            world.problem("\(device.name) does not get back")
        }
    }
}
