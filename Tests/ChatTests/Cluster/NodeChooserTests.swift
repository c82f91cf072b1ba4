// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Testing

/// The rule by which clients are spread over the servers, with a clock and lots of the test's own.
struct NodeChooserTests {
    /// Lots that can be foreseen: a linear congruential generator.
    private struct Lots: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    private static let start = ContinuousClock.now

    private static func node(
        _ id: Int64, clients: Int = 0, age: Duration = .seconds(1), isDraining: Bool = false,
        mode: ServiceMode = .normal,
        endpoints: [String: String] = ["fastchat": "tcp://192.0.2.1:8010"]
    ) -> ServerNode {
        ServerNode(
            id: NodeID(id), name: "node \(id)", endpoints: endpoints, mode: mode, age: age,
            isDraining: isDraining, clients: clients)
    }

    private static func choices(
        _ count: Int, by algorithm: NodeChooser.Algorithm, among nodes: [ServerNode], seed: UInt64 = 7
    ) -> [Int64] {
        var chooser = NodeChooser(algorithm)
        var lots = Lots(state: seed)
        return (0..<count).compactMap { _ in
            chooser.choose(among: nodes, readAt: start, now: start, offering: "fastchat", using: &lots)?.id.rawValue
        }
    }

    @Test func roundRobinGoesByNumberAndBeginsAnew() {
        let nodes = [Self.node(9), Self.node(2), Self.node(5)]

        #expect(Self.choices(7, by: .roundRobin, among: nodes) == [2, 5, 9, 2, 5, 9, 2])
    }

    @Test func minimumConnectFillsUpTheEmptiestAndThenSpreads() {
        let nodes = [Self.node(1, clients: 3), Self.node(2, clients: 0), Self.node(3, clients: 3)]

        let chosen = Self.choices(9, by: .minimumConnect, among: nodes)

        #expect(chosen.prefix(3) == [2, 2, 2])
        for start in [3, 6] { #expect(Set(chosen[start..<start + 3]) == [1, 2, 3]) }
    }

    @Test func randomReachesEveryServerAndRepeatsWithTheSameLots() {
        let nodes = [Self.node(1), Self.node(2), Self.node(3)]

        let chosen = Self.choices(300, by: .random, among: nodes)

        #expect(chosen == Self.choices(300, by: .random, among: nodes))
        for id in Int64(1)...3 { #expect((60...140).contains(chosen.filter { $0 == id }.count)) }
    }

    @Test(arguments: NodeChooser.Algorithm.allCases)
    func whoDrainsIsSilentOrServesNoFastChatIsNeverChosen(_ algorithm: NodeChooser.Algorithm) {
        let nodes = [
            Self.node(5, mode: .maintenance),
            Self.node(1, isDraining: true), Self.node(2, age: .milliseconds(10_001)),
            Self.node(3, endpoints: ["mtp": "ws://192.0.2.1:80/ws"]), Self.node(4, clients: 1000),
        ]

        #expect(Set(Self.choices(50, by: algorithm, among: nodes)) == [4])
        #expect(Self.choices(1, by: algorithm, among: Array(nodes.dropLast())).isEmpty)
        #expect(Self.choices(1, by: algorithm, among: []).isEmpty)
    }

    @Test(arguments: NodeChooser.Algorithm.allCases)
    func heartbeatGrowsOldWhileTheListIsKept(_ algorithm: NodeChooser.Algorithm) {
        var chooser = NodeChooser(algorithm)
        var lots = Lots(state: 1)
        let nodes = [Self.node(1, age: .seconds(4))]
        func choice(after wait: Duration) -> ServerNode? {
            chooser.choose(among: nodes, readAt: Self.start, now: Self.start + wait, offering: nil, using: &lots)
        }

        #expect(choice(after: .seconds(6)) != nil)
        #expect(choice(after: .milliseconds(6001)) == nil)
    }

    @Test func ownAssignmentsCountUntilTheNextHeartbeat() {
        var chooser = NodeChooser(.minimumConnect)
        var lots = Lots(state: 1)
        func choose(_ nodes: [ServerNode], at time: Duration) -> Int64? {
            let now = Self.start + time
            return chooser.choose(among: nodes, readAt: now, now: now, offering: nil, using: &lots)?.id.rawValue
        }

        // Both counted nobody a second ago: ten clients are shared.
        let first = (0..<10).compactMap { _ in choose([Self.node(1), Self.node(2)], at: .seconds(1)) }
        #expect(first.filter { $0 == 1 }.count == 5)

        // The first has counted its five since; the second still says 0, and has five on the way.
        let second = (0..<10).compactMap { _ in
            choose([Self.node(1, clients: 5, age: .zero), Self.node(2, age: .seconds(2))], at: .seconds(2))
        }
        #expect(second.filter { $0 == 1 }.count == 5)

        // The first has counted ten, and of the second's ten only two arrived.
        let third = (0..<8).compactMap { _ in
            choose([Self.node(1, clients: 10, age: .zero), Self.node(2, clients: 2, age: .zero)], at: .seconds(4))
        }
        #expect(third == Array(repeating: 2, count: 8))
    }

    @Test func burstBetweenHeartbeatsIsEven() {
        let nodes = (1...3).map { Self.node(Int64($0), clients: $0 * 2) }

        let chosen = Self.choices(300, by: .minimumConnect, among: nodes)

        for id in Int64(1)...3 { #expect((90...110).contains(chosen.filter { $0 == id }.count)) }
    }

    @Test(arguments: [
        ("tcp://192.0.2.1:8010", "192.0.2.1", 8010), ("tls://chat.example:1", "chat.example", 1),
        ("ws://[2001:db8::1]:80/ws", "2001:db8::1", 80),
    ])
    func placeOfAProtocol(_ url: String, _ host: String, _ port: Int) throws {
        let node = Self.node(1, endpoints: ["x": url])

        let place = try #require(node.place(of: "x"))
        #expect(place.host == host)
        #expect(place.port == port)
        #expect(node.place(of: "y") == nil)
    }

    @Test(arguments: ["", "tcp://", "tcp://host", "tcp://host:0", "tcp://host:65536", "tcp://:80", "tcp://host:x"])
    func whatNamesNoPlaceIsNone(_ url: String) {
        #expect(Self.node(1, endpoints: ["x": url]).place(of: "x") == nil)
    }
}
