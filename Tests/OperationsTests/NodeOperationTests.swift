// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Operations
import Storage
import Testing

struct NodeOperationTests {
    /// A server in the list; a silent one is a minute old.
    @discardableResult
    private func node(
        _ name: String, isSilent: Bool = false, mode: ServiceMode = .normal, in office: Office
    ) async throws -> NodeID {
        let storage = office.chat.storage
        let id = try await storage.registerNode(
            NewNode(
                name: name, address: "", protocols: #"{"mtp":"ws://192.0.2.1:80/ws"}"#, mode: mode.rawValue))
        if isSilent { try await storage.age(id) } else { try await storage.keepAlive(id) }
        return id
    }

    @Test func listTellsWhoServesDrainsAndIsSilent() async throws {
        try await Office.open { office in
            try await node("alpha", in: office)
            try await node("beta", mode: .readOnly, in: office)
            try await node("gamma", isSilent: true, mode: .maintenance, in: office)
            _ = try await office.run(DrainNode(node: "beta"))

            let nodes = try await office.run(ListNodes()).nodes

            #expect(nodes.map(\.name) == ["alpha", "beta", "gamma"])
            #expect(nodes.map(\.status) == [.serving, .draining, .silent])
            #expect(nodes.map(\.mode) == [.normal, .readOnly, .maintenance])
            #expect(nodes.first?.addresses == ["mtp": "ws://192.0.2.1:80/ws"])
            let silent = try #require(nodes.last)
            #expect(silent.heartbeatAge >= 60_000)
        }
    }

    @Test func drainedServerIsResumed() async throws {
        try await Office.open { office in
            let id = try await node("alpha", in: office)

            #expect(try await office.run(DrainNode(node: "alpha")).status == .draining)
            #expect(try await office.chat.serverNodes().first?.isDraining == true)
            #expect(try await office.run(ResumeNode(node: "\(id.rawValue)")).status == .serving)
            #expect(try await office.chat.serverNodes().first?.isDraining == false)
        }
    }

    @Test func anAnnouncedDrainIsListedAndTakenBack() async throws {
        try await Office.open { office in
            try await node("alpha", in: office)

            let announced = try await office.run(DrainNode(node: "alpha", message: "Down at 8.", seconds: 600))
            #expect(announced.status == .serving && announced.message == "Down at 8.")
            let listed = try #require(try await office.run(ListNodes()).nodes.first)
            #expect(listed.drainsAt == announced.drainsAt && listed.drainsAt != nil)

            let resumed = try await office.run(ResumeNode(node: "alpha"))
            #expect(resumed.status == .serving && resumed.drainsAt == nil && resumed.message == nil)
            let told = try await office.run(DrainNode(node: "alpha", message: "Down now."))
            #expect(told.status == .draining && told.message == "Down now.")
        }
    }

    @Test(arguments: [
        DrainNode(node: "alpha", seconds: -1), DrainNode(node: "alpha", seconds: 86_401),
        DrainNode(node: "alpha", message: String(repeating: "ä", count: 251)),
        DrainNode(node: "alpha", message: "two\nlines"), DrainNode(node: "alpha", message: "\u{1b}[2J"),
        DrainNode(node: "alpha", message: "two\u{2028}lines"),
    ])
    func whatCannotBeAnnouncedIsRefused(_ operation: DrainNode) async throws {
        try await Office.open { office in
            try await node("alpha", in: office)

            #expect(try await office.refusal(of: operation).kind == .invalid)

            let listed = try #require(try await office.run(ListNodes()).nodes.first)
            #expect(listed.status == .serving && listed.drainsAt == nil)
        }
    }

    @Test func ofSeveralOfANameTheLivingOneIsMeant() async throws {
        try await Office.open { office in
            try await node("alpha", isSilent: true, in: office)
            let living = try await node("alpha", in: office)
            #expect(try await office.run(DrainNode(node: "alpha")).id == living.rawValue)

            try await node("alpha", in: office)
            let refusal = try await office.refusal(of: DrainNode(node: "alpha"))

            #expect(refusal.kind == .invalid)
            #expect(refusal.message.contains("\(living.rawValue)"))
            #expect(try await office.refusal(of: ResumeNode(node: "delta")).kind == .notFound)
        }
    }
}
