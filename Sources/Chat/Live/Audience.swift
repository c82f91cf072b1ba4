// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Storage

/// Who gets something live: for each sink its connections.
struct Audience: Sendable {
    var lists: [(sink: any EventSink, connections: [UInt64])] = []

    /// Tells all of them to read the log.
    func hint() {
        for (sink, connections) in lists { sink.hint(connections) }
    }
}

/// The audiences of the flows that are talked in now, as connections come and go and as the log says who is a member.
///
/// The delivery tells it of every event, in order, whether a connection listens or not; when that cannot be, it forgets
/// everything. So an audience is that of the event that is being delivered. Coming and going costs as much as the
/// account has flows here; a message costs nothing but its delivery.
struct AudienceIndex {
    /// Numbers with their places, so that one is removed without a search.
    private struct Roll {
        var numbers: [UInt64] = []
        var places: [UInt64: Int] = [:]

        mutating func add(_ number: UInt64) {
            guard places[number] == nil else { return }
            places[number] = numbers.count
            numbers.append(number)
        }

        mutating func remove(_ number: UInt64) {
            guard let place = places.removeValue(forKey: number), let last = numbers.popLast() else { return }
            if place < numbers.count {
                numbers[place] = last
                places[last] = place
            }
        }
    }

    private struct Members {
        var rolls: [ObjectIdentifier: Roll] = [:]

        mutating func add(_ entry: Hub.Entry) {
            let address = entry.connection.address
            rolls[ObjectIdentifier(address.sink), default: Roll()].add(address.connection)
        }

        mutating func remove(_ entry: Hub.Entry) {
            let address = entry.connection.address
            rolls[ObjectIdentifier(address.sink)]?.remove(address.connection)
        }

        func audience(_ sinks: [ObjectIdentifier: any EventSink]) -> Audience {
            var audience = Audience()
            for (key, roll) in rolls where !roll.numbers.isEmpty {
                if let sink = sinks[key] { audience.lists.append((sink, roll.numbers)) }
            }
            return audience
        }
    }

    private struct Flow {
        var people: Set<UserID>
        var members = Members()
    }

    /// What the flows may take together, in bytes; those that were not talked in for longest are forgotten first.
    private static let maximumBytes = 192 << 20

    /// About what a flow takes, with its place in the table of each person's flows.
    private static func bytes(people: Int) -> Int { 256 + 96 * people }

    private var sinks: [ObjectIdentifier: any EventSink] = [:]
    private var all = Members()
    private var flows: RecentlyUsed<FlowID, Flow>
    private var flowsOfUser: [UserID: Set<FlowID>] = [:]

    init(maximumBytes: Int = Self.maximumBytes) {
        flows = RecentlyUsed(capacity: maximumBytes)
    }

    /// Every listener.
    var everybody: Audience { all.audience(sinks) }

    /// The audience of a flow that was talked in.
    mutating func known(_ flow: FlowID) -> Audience? {
        flows.value(for: flow)?.members.audience(sinks)
    }

    /// Begins to keep the audience of a private flow: `entries` are the listeners among its members.
    mutating func make(for flow: FlowID, members: Set<UserID>, of entries: [Hub.Entry]) -> Audience {
        forget(flow)
        var new = Flow(people: members)
        for entry in entries { new.members.add(entry) }
        for member in members { flowsOfUser[member, default: []].insert(flow) }
        forget(flows.set(new, for: flow, cost: Self.bytes(people: members.count)))
        return new.members.audience(sinks)
    }

    // MARK: Connections

    mutating func add(_ entry: Hub.Entry) {
        let sink = entry.connection.address.sink
        sinks[ObjectIdentifier(sink)] = sink
        all.add(entry)
        for flow in flowsOfUser[entry.user] ?? [] { _ = flows.update(flow) { $0.members.add(entry) } }
    }

    mutating func remove(_ entry: Hub.Entry) {
        all.remove(entry)
        for flow in flowsOfUser[entry.user] ?? [] { _ = flows.update(flow) { $0.members.remove(entry) } }
    }

    // MARK: Members

    /// An account became a member; `entries` are their listeners.
    mutating func join(_ user: UserID, to flow: FlowID, with entries: [Hub.Entry]) {
        let count = flows.update(flow) { known -> Int? in
            guard known.people.insert(user).inserted else { return nil }
            for entry in entries { known.members.add(entry) }
            return known.people.count
        }
        guard case let count?? = count else { return }
        flowsOfUser[user, default: []].insert(flow)
        forget(flows.setCost(Self.bytes(people: count), of: flow))
    }

    /// An account ceased to be a member; `entries` are their listeners.
    mutating func leave(_ user: UserID, from flow: FlowID, with entries: [Hub.Entry]) {
        let count = flows.update(flow) { known -> Int? in
            guard known.people.remove(user) != nil else { return nil }
            for entry in entries { known.members.remove(entry) }
            return known.people.count
        }
        guard case let count?? = count else { return }
        forget(flow, of: user)
        forget(flows.setCost(Self.bytes(people: count), of: flow))
    }

    mutating func forget(_ flow: FlowID) {
        guard let known = flows.remove(flow) else { return }
        for member in known.people { forget(flow, of: member) }
    }

    private mutating func forget(_ evicted: [(key: FlowID, value: Flow)]) {
        for (flow, known) in evicted {
            for member in known.people { forget(flow, of: member) }
        }
    }

    private mutating func forget(_ flow: FlowID, of user: UserID) {
        flowsOfUser[user]?.remove(flow)
        if flowsOfUser[user]?.isEmpty == true { flowsOfUser[user] = nil }
    }

    /// Forgets who is a member of what, not who listens.
    mutating func forgetFlows() {
        flows.removeAll()
        flowsOfUser = [:]
    }
}
