// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import Credentials
import FastChat
import JSON
import Storage
import TestClient
import Testing
import Transport

/// Groups: who is in them, who may change that, and what their members are told.
@Suite(.timeLimit(.minutes(10))) struct FastChatGroupTests {
    @Test func aGroupIsToldToAllOfItsMembers() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let nine = try await world.register(9)

            let group = try await seven.client.createGroup(of: [8, 9, 8])
            try await seven.client.send("hello all", to: group)

            let number = group.rawValue
            let privacy = "Group \(number) is end to end: only its members can read what is written to it."
            #expect(await seven.notices(2) == ["You have successfully created the group: \(number)", privacy])
            for member in [eight, nine] {
                #expect(await member.notices(2) == ["You have been added to group \(number) by 7", privacy])
                #expect(await member.messages(1) == ["7@\(number): hello all"])
            }
            #expect(try await eight.client.keys(of: group)?.keys.sorted() == [7, 9])
        }
    }

    @Test func noticesAreWordForWordThoseOfTheProtocol() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            await seven.client.close()
            let socket = try await world.socket()
            var reads = socket.reads.makeAsyncIterator()
            try await socket.send(
                FastChatRequest.logIn(7, password: ChatUnderTest.password, sign: world.sign).encoded())
            _ = await reads.next()

            try await socket.send(
                Array(
                    #"""
                    {"type":"msg","dest":"","from":7,"message":"create_group","isgroup":1,"response":0,"time":"T"}
                    """#.utf8))

            let unit = try #require(await reads.next())
            #expect(
                String(decoding: unit, as: UTF8.self).hasPrefix(
                    #"[{"type":"msg","from":"server","group":1,"dest":7,"message":"You have successfully created the "#
                        + #"group: 1","time":"2023-11-14 22:13:20.000","isgroup":1,"response":0},"#))
            await socket.close()
        }
    }

    @Test func whoWasAwayIsToldOfAGroupBeforeItsMessages() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            await (try await world.register(8)).client.close()
            let group = try await seven.client.createGroup(of: [8])
            try await seven.client.send("welcome", to: group)
            try await world.settle(seven)

            let eight = try await world.logIn(8)

            #expect(await eight.event() == .notice(.added(to: group, by: 7)))
            #expect(await eight.messages(1) == ["7@\(group.rawValue): welcome"])
        }
    }

    @Test(arguments: MembershipCase.runs) func membershipDecidesWhatComes(
        in scene: MembershipCase, isConnected: Bool
    ) async throws {
        try await FastChatWorld.with { world in
            let (anna, number) = try await world.registerElsewhere("anna")
            var eight = try await world.register(8)
            let group = try await MembershipCase.makeGroup(in: world.test, owner: anna)
            if !isConnected {
                await eight.client.close()
                await world.registry.allClosed()
            }

            try await scene.play(
                in: world.test, group: group, owner: anna,
                member: try await world.chat.person(publicNumber: 8))

            if !isConnected { eight = try await world.logIn(8) }
            #expect(
                await eight.messages(scene.pushed.count + 1)
                    == scene.pushed.map { "\(number)@\(group.id.rawValue): \($0)" }
                    + ["\(number): \(MembershipCase.end)"])
        }
    }

    @Test func theAdminAddsAndRemoves() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let nine = try await world.register(9)
            let group = try await seven.client.createGroup(of: [8])
            let number = group.rawValue
            try await seven.client.send("before nine", to: group)
            _ = await eight.notices(2)

            try await seven.client.add(9, to: group)
            #expect(await nine.notices(1) == ["You have been added to group \(number) by 7"])
            try await seven.client.send("to both", to: group)
            #expect(await nine.messages(1) == ["7@\(number): to both"])
            try await seven.client.remove(8, from: group)
            #expect(await eight.notices(1) == ["You have been removed from group \(number) by 7"])
            try await seven.client.send("without eight", to: group)
            try await seven.client.send("directly", to: 8)

            #expect(await nine.messages(1) == ["7@\(number): without eight"])
            // What came before was read with the notices.
            #expect(await eight.messages(1) == ["7: directly"])
            #expect(try await eight.client.keys(of: group) == nil)
        }
    }

    @Test func refusalsSayWhy() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let nine = try await world.register(9)
            let group = try await seven.client.createGroup(of: [8])
            let unknown = FastChatGroupNumber(group.rawValue + 1)

            func refusal(_ body: () async throws -> Void) async -> String {
                do {
                    try await body()
                    return "done"
                } catch {
                    return "\(error)"
                }
            }
            #expect(
                await refusal { try await eight.client.add(9, to: group) }
                    == "Request refused: \(FastChatAddRefusal.notAdmin.detail)")
            #expect(
                await refusal { try await seven.client.add(8, to: group) }
                    == "Request refused: \(FastChatAddRefusal.alreadyMember.detail)")
            #expect(
                await refusal { try await seven.client.add(9, to: unknown) }
                    == "Request refused: \(FastChatAddRefusal.noSuchGroup.detail)")
            #expect(
                await refusal { try await seven.client.add(10, to: group) }
                    == "Request refused: \(FastChatAddRefusal.noSuchUser.detail)")
            #expect(
                await refusal { try await eight.client.remove(7, from: group) }
                    == "Request refused: \(FastChatRemoveRefusal.notAdmin.detail)")
            #expect(
                await refusal { try await seven.client.remove(9, from: group) }
                    == "Request refused: \(FastChatRemoveRefusal.notMember.detail)")
            #expect(
                await refusal { try await nine.client.remove(7, from: group) }
                    == "Request refused: \(FastChatRemoveRefusal.noSuchGroup.detail)")
            #expect(
                await refusal { _ = try await seven.client.createGroup(of: [8, 10]) }
                    == "Request refused: dest 10: there is no such user")
            #expect(try await nine.client.keys(of: group) == nil)
            #expect(try await seven.client.keys(of: unknown) == nil)
        }
    }

    @Test func membersMayLeave() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let group = try await seven.client.createGroup(of: [8])
            _ = await eight.notices(2)

            try await eight.client.remove(8, from: group)

            #expect(await eight.notices(1) == ["You have left group \(group.rawValue)"])
            #expect(try await seven.client.keys(of: group)?.isEmpty == true)
        }
    }

    @Test func aMessageToAGroupIsOneEvent() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            for number in [8, 9, 10] as [Int64] { _ = try await world.register(number) }
            let group = try await seven.client.createGroup(of: [8, 9, 10])
            try await seven.client.send("one", to: group)
            try await world.settle(seven)

            let principal = try await world.principal(8)
            let flow = try await world.chat.flow(row: group.rawValue, for: principal)
            let page = try await world.chat.missed(for: principal, after: .start, limit: 100)

            #expect(try await world.texts(1, in: flow, for: principal) == ["[encrypted message]"])
            let message = try #require(page.messages.first { $0.flow.id == flow.id })
            #expect(message.message.content.encryption == "fastchat")
            let bodies = try await world.test.storage.bodies(
                at: message.message.position, for: Array(flow.members))
            #expect(bodies.count == 3)
        }
    }

    @Test func whoWasLeftOutSeesThatThereIsAMessage() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            let eight = try await world.register(8)
            let nine = try await world.register(9)
            let group = try await seven.client.createGroup(of: [8, 9])
            let key = try #require(try await seven.client.key(of: 8))
            var random = SecureRandom()
            let envelope = try HybridEnvelope(sealing: "for eight", for: key, using: &random)
            let copy = FastChatCopy(recipient: 8, body: JSONText(envelope.message), key: JSONText(envelope.key))
            let header = FastChatHeader(kind: .text, sender: 7, time: "T")

            try await seven.client.send(.group(FastChatGroupMessage(header, to: group, copies: [copy])))

            #expect(await eight.messages(1) == ["7@\(group.rawValue): for eight"])
            #expect(await nine.messages(1) == ["7@\(group.rawValue): [encrypted message]"])
        }
    }

    @Test func copiesForOthersThanMembersAreRefused() async throws {
        try await FastChatWorld.with { world in
            let seven = try await world.register(7)
            _ = try await world.register(8)
            _ = try await world.register(9)
            let group = try await seven.client.createGroup(of: [8])
            _ = await seven.notices(2)
            let head = try await world.chat.head()
            let header = FastChatHeader(kind: .text, sender: 7, time: "T")
            func request(_ group: FastChatGroupNumber, _ recipients: [FastChatUserNumber]) -> FastChatRequest {
                .group(
                    FastChatGroupMessage(
                        header, to: group,
                        copies: recipients.map { FastChatCopy(recipient: $0, body: "C", key: "K") }))
            }

            try await seven.client.send(request(group, [8, 9]))
            try await seven.client.send(request(group, [10]))
            try await seven.client.send(request(FastChatGroupNumber(group.rawValue + 1), [8]))
            try await seven.client.send(.emptyGroupMessage)

            #expect(
                await seven.notices(3) == [
                    "Request refused: [1].dest is no member of the group",
                    "Request refused: [0].dest: there is no such user",
                    "Request refused: there is no such group",
                ])
            #expect(try await seven.client.key(of: 8) != nil)
            #expect(try await world.chat.head() == head)
        }
    }
}
