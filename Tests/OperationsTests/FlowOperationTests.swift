// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Operations
import Storage
import Testing

struct FlowOperationTests {
    @Test func createdFlowIsShownWithItsMembers() async throws {
        try await Office.open { office in
            for login in ["alice", "bob"] { try await office.user(login) }

            let group = try await office.run(
                CreateFlow(owner: "alice", type: .group, title: "Team", info: "Us", members: ["BOB", "bob"]))
            let open = try await office.run(CreateFlow(owner: "bob", type: .channel, title: "News"))
            let shown = try await office.run(ShowFlow(uuid: group.uuid))

            #expect(shown.flow == group)
            #expect(group.owner == "alice")
            #expect(group.info == "Us")
            #expect(!group.isPublic)
            #expect(shown.members == ["alice", "bob"])
            #expect(open.isPublic)
            #expect(open.type == "channel")
            #expect(try await office.run(ShowFlow(uuid: open.uuid)).members == [])
            #expect(try await office.run(ListFlows()).items == [group, open])
            let page = try await office.run(ListFlows(range: ListRange(limit: 1)))
            #expect(page.items == [group])
            #expect(page.next == group.row)
        }
    }

    @Test func chatHasTwoPeopleAndThereIsOneOfIt() async throws {
        try await Office.open { office in
            for login in ["alice", "bob", "carol"] { try await office.user(login) }
            func chat(_ members: String...) -> CreateFlow {
                CreateFlow(owner: "alice", type: .chat, title: "", members: members)
            }

            let made = try await office.run(chat("bob"))

            let again = try await office.refusal(
                of: CreateFlow(owner: "bob", type: .chat, title: "", members: ["alice"]))
            #expect(again.kind == .exists)
            #expect(again.message.contains(made.uuid))
            for wrong in [chat(), chat("alice"), chat("bob", "carol")] {
                #expect(try await office.refusal(of: wrong).kind == .invalid)
            }
            #expect(try await office.run(ListFlows()).items.count == 1)
        }
    }

    @Test func whatCannotBeAFlowIsRefused() async throws {
        try await Office.open { office in
            try await office.user("alice")
            func group(_ title: String, owner: String = "alice", members: [String] = []) -> CreateFlow {
                CreateFlow(owner: owner, type: .group, title: title, members: members)
            }

            #expect(try await office.refusal(of: group("x", owner: "bob")).kind == .notFound)
            #expect(try await office.refusal(of: group("x", members: ["bob"])).kind == .notFound)
            #expect(try await office.refusal(of: group(String(repeating: "x", count: 2000))).kind == .invalid)
            #expect(try await office.refusal(of: group("\u{0}")).kind == .invalid)
            let crowd = [String](repeating: "alice", count: 10_001)
            #expect(try await office.refusal(of: group("x", members: crowd)).kind == .invalid)
            #expect(try await office.refusal(of: ShowFlow(uuid: "12")).kind == .notFound)
            #expect(try await office.refusal(of: ShowFlow(uuid: "x")).kind == .notFound)
            #expect(try await office.refusal(of: ShowFlow(uuid: "")).kind == .notFound)
            #expect(try await office.run(ListFlows()).items.isEmpty)
        }
    }

    @Test func membersComeAndGo() async throws {
        try await Office.open { office in
            for login in ["alice", "bob", "carol"] { try await office.user(login) }
            let flow = try await office.run(CreateFlow(owner: "alice", type: .group, title: "", members: ["bob"])).uuid
            let open = try await office.run(CreateFlow(owner: "alice", type: .group, title: "")).uuid

            #expect(try await office.run(AddMember(uuid: flow, login: "carol")).isMember)
            #expect(try await office.run(ShowFlow(uuid: flow)).members == ["alice", "bob", "carol"])
            #expect(try await office.refusal(of: AddMember(uuid: flow, login: "CAROL")).kind == .exists)
            #expect(try await !office.run(RemoveMember(uuid: flow, login: "bob")).isMember)
            #expect(try await office.run(ShowFlow(uuid: flow)).members == ["alice", "carol"])

            let gone = try await office.refusal(of: RemoveMember(uuid: flow, login: "bob"))
            #expect(gone.kind == .notFound)
            #expect(gone.message.contains("'bob' is no member"))
            #expect(try await office.refusal(of: RemoveMember(uuid: flow, login: "alice")).kind == .refused)
            #expect(try await office.refusal(of: AddMember(uuid: open, login: "bob")).kind == .refused)
            #expect(try await office.refusal(of: AddMember(uuid: flow, login: "dave")).kind == .notFound)
            #expect(try await office.refusal(of: RemoveMember(uuid: "1", login: "bob")).kind == .notFound)
        }
    }

    @Test func updateChangesOnlyWhatIsGiven() async throws {
        try await Office.open { office in
            for login in ["alice", "bob", "carol"] { try await office.user(login) }
            let flow = try await office.run(
                CreateFlow(owner: "alice", type: .group, title: "Old", info: "Us", members: ["bob"])
            ).uuid

            let titled = try await office.run(UpdateFlow(uuid: flow, title: "New"))
            #expect(titled.title == "New" && titled.info == "Us" && titled.type == "group" && titled.owner == "alice")
            #expect(try await office.run(UpdateFlow(uuid: flow, info: "")).info == "")
            #expect(try await office.run(UpdateFlow(uuid: flow, type: .channel)).type == "channel")
            // The new owner was no member, and writes; the old one reads.
            #expect(try await office.run(UpdateFlow(uuid: flow, owner: "carol")).owner == "carol")
            #expect(try await office.run(ShowFlow(uuid: flow)).members == ["alice", "bob", "carol"])
            let identifier = try #require(Identifier(decimal: flow))
            try await office.say("news", in: identifier, as: office.logIn("carol").principal)
            await #expect(throws: ChatError.self) {
                try await office.say("no", in: identifier, as: office.logIn("alice").principal)
            }
            #expect(try await office.run(RemoveMember(uuid: flow, login: "alice")).isMember == false)
            #expect(try await office.refusal(of: RemoveMember(uuid: flow, login: "carol")).kind == .refused)
        }
    }

    @Test func updateOfAPublicFlowNeedsNoMember() async throws {
        try await Office.open { office in
            for login in ["alice", "bob"] { try await office.user(login) }
            let flow = try await office.run(CreateFlow(owner: "alice", type: .channel, title: "News")).uuid

            let changed = try await office.run(UpdateFlow(uuid: flow, title: "Olds", type: .group, owner: "BOB"))

            #expect(changed.isPublic && changed.owner == "bob" && changed.type == "group" && changed.title == "Olds")
        }
    }

    @Test func updateRefusesWhatCannotBe() async throws {
        try await Office.open { office in
            for login in ["alice", "bob"] { try await office.user(login) }
            let chat = try await office.run(CreateFlow(owner: "alice", type: .chat, title: "", members: ["bob"])).uuid
            let group = try await office.run(CreateFlow(owner: "alice", type: .group, title: "x")).uuid

            for (wrong, kind) in [
                (UpdateFlow(uuid: group), .invalid), (UpdateFlow(uuid: "12", title: "x"), .notFound),
                (UpdateFlow(uuid: "nosuch", title: "x"), .notFound), (UpdateFlow(uuid: group, title: "\0"), .invalid),
                (UpdateFlow(uuid: group, title: String(repeating: "x", count: 1025)), .invalid),
                (UpdateFlow(uuid: group, owner: "dave"), .notFound), (UpdateFlow(uuid: group, type: .chat), .refused),
                (UpdateFlow(uuid: chat, type: .group), .refused), (UpdateFlow(uuid: chat, owner: "bob"), .refused),
            ] as [(UpdateFlow, OperationError.Kind)] {
                #expect(try await office.refusal(of: wrong).kind == kind)
            }
            #expect(
                try await office.run(UpdateFlow(uuid: chat, title: "Us", type: .chat, owner: "alice")).title == "Us")
        }
    }

    @Test func listIsFilteredByTitleAndTime() async throws {
        try await Office.open { office in
            try await office.user("alice")
            for title in ["Team red", "TEAM 50%", "Lobby"] {
                _ = try await office.run(CreateFlow(owner: "alice", type: .group, title: title))
            }
            func titles(_ title: String?, since: Int64? = nil) async throws -> [String] {
                try await office.run(ListFlows(title: title, since: since)).items.map(\.title)
            }

            #expect(try await titles("team") == ["Team red", "TEAM 50%"])
            #expect(try await titles("%") == ["TEAM 50%"])
            #expect(try await titles("_").isEmpty)
            #expect(try await titles("").count == 3)
            #expect(try await titles(nil, since: Office.time.seconds).count == 3)
            #expect(try await titles("lobby", since: Office.time.seconds + 1).isEmpty)
            let page = try await office.run(ListFlows(range: ListRange(limit: 1), title: "team"))
            #expect(page.items.map(\.title) == ["Team red"])
            let rest = try await office.run(
                ListFlows(range: ListRange(after: try #require(page.next), limit: 1), title: "team"))
            #expect(rest.items.map(\.title) == ["TEAM 50%"] && rest.next == nil)
        }
    }

    @Test func deletedFlowTakesItsMessagesAlong() async throws {
        try await Office.open { office in
            let seeded = try await office.run(SeedFlows(users: 1, flows: 2, messages: 3000))
            let flow = try #require(seeded.firstFlow)

            let deleted = try await office.run(DeleteFlow(uuid: flow))

            #expect(deleted.messages == 1500)
            #expect(office.progress.last?.phase == "events")
            #expect(try await office.messages().count == 1500)
            #expect(try await office.run(ListFlows()).items.count == 1)
            #expect(try await office.refusal(of: DeleteFlow(uuid: flow)).kind == .notFound)
            #expect(try await office.chat.storage.purgeDeletedFlows())
        }
    }

    // MARK: Seeding

    @Test func bareSeedIsOnePublicGroupWithAText() async throws {
        try await Office.open { office in
            let report = try await office.run(SeedFlows())

            let flow = try await office.run(ShowFlow(uuid: try #require(report.firstFlow))).flow
            #expect(flow.isPublic)
            #expect(flow.type == "group")
            #expect(flow.owner == SeedFlows.botLogin)
            #expect(flow.messages == 1)
            let messages = try await office.messages()
            #expect(messages.count == 1)
            #expect(messages.first?.text.hasPrefix("Welcome to Parley") == true)
            #expect(report.firstLogin == nil)
        }
    }

    @Test func seedMakesWhatIsAskedForAndTellsHowFarItIs() async throws {
        try await Office.open { office in
            let operation = SeedFlows(users: 10, flows: 4, messages: 5000, password: SecretText("secret word"))
            let report = try await office.run(operation)
            let progress = office.progress
            _ = try await office.run(SeedFlows(users: 1, flows: 0, messages: 0))

            let flows = try await office.run(ListFlows()).items
            #expect(flows.map(\.messages) == [1250, 1250, 1250, 1250])
            #expect(flows.first?.uuid == report.firstFlow)
            let messages = try await office.messages()
            #expect(messages.count == 5000)
            #expect(Set(messages.map(\.text)).count == 5000)
            #expect(Set(messages.map(\.sender)).count == 10)
            // Ten, one more, and the bot.
            #expect(try await office.run(ListUsers()).items.count == 12)
            _ = try await office.logIn(try #require(report.firstLogin))
            for phase in ["users", "flows", "messages"] {
                let steps = progress.filter { $0.phase == phase }
                #expect(steps.map(\.done) == steps.map(\.done).sorted())
                #expect(steps.last?.done == steps.last?.total)
            }
            #expect(progress.last == OperationProgress(phase: "messages", done: 5000, total: 5000))
        }
    }

    @Test func seedFitsIntoAWriterWithLittleRoom() async throws {
        var limits = BatchWriter.Limits()
        limits.maximumWaitingWrites = 3
        limits.maximumBatchWrites = 2
        try await Office.open(limits: limits) { office in
            _ = try await office.run(SeedFlows(users: 3, flows: 1, messages: 100))

            #expect(try await office.messages().count == 100)
        }
    }

    @Test func seedRefusesWhatCannotBeMeant() async throws {
        try await Office.open { office in
            for wrong in [
                SeedFlows(users: -1), SeedFlows(flows: -1), SeedFlows(messages: -1), SeedFlows(users: 1_000_000_001),
                SeedFlows(flows: 0, messages: 1),
            ] {
                #expect(try await office.refusal(of: wrong).kind == .invalid)
            }
            try await office.oldAccount(SeedFlows.botLogin)
            #expect(try await office.refusal(of: SeedFlows()).kind == .refused)
        }
    }

    @Test func cancelledSeedStops() async throws {
        try await Office.open { office in
            let context = office.context
            let work = Task {
                let stopping = OperationContext(chat: context.chat) { step in
                    if step.phase == "messages" { withUnsafeCurrentTask { $0?.cancel() } }
                }
                return try await SeedFlows(messages: 1_000_000).run(on: stopping)
            }

            let error = await #expect(throws: OperationError.self) { try await work.value }

            let counts = try await office.chat.storage.counts()
            #expect(error?.kind == .failed)
            #expect(counts.messages < 1_000_000)
        }
    }

    @Test func flowIsNamedByRowTitleOrFirstDigits() async throws {
        try await Office.open { office in
            try await office.user("alice")
            let first = try await office.run(CreateFlow(owner: "alice", type: .group, title: "Garden"))
            for _ in 1...2 { _ = try await office.run(CreateFlow(owner: "alice", type: .group, title: "Twice")) }
            let numbered = try await office.run(CreateFlow(owner: "alice", type: .group, title: "2026"))

            for name in ["Garden", "#Garden", "\(first.row)", "#\(first.row)", String(first.uuid.dropLast(4))] {
                #expect(try await office.run(ShowFlow(uuid: name)).flow.uuid == first.uuid, "\(name)")
            }
            #expect(try await office.run(ShowFlow(uuid: "2026")).flow.uuid == numbered.uuid)
            let refusal = try await office.refusal(of: ShowFlow(uuid: "Twice"))
            #expect(refusal.kind == .invalid)
            #expect(refusal.message.contains("2 and 3"))
            for name in ["garden", "99", String(first.uuid.prefix(3)), String(repeating: "9", count: 60), "a\0b"] {
                #expect(try await office.refusal(of: ShowFlow(uuid: name)).kind == .notFound, "\(name)")
            }
        }
    }
}
