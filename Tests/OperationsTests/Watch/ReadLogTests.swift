// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Logging
import Operations
import Storage
import StorageSQLite
import TestSupport
import Testing

struct ReadLogTests {
    /// Two people in a chat and in a group, with a message in each.
    private static func scene(_ office: Office) async throws -> (group: String, messages: [String]) {
        try await office.user("alice")
        try await office.user("bob")
        let alice = try await office.logIn("alice")
        let group = try await office.run(
            CreateFlow(owner: "alice", type: .group, title: "Garden", members: ["bob"]))
        let flow = try #require(Identifier(decimal: group.uuid))
        let texts = ["Shall we plant beans?", "Only for \u{1B}[31mbob"]
        for text in texts {
            try await office.say(text, in: flow, as: alice.principal)
        }
        return (group.uuid, texts)
    }

    @Test func entriesNameWhoAndWhereAndKeepTextsBack() async throws {
        try await Office.open { office in
            let scene = try await Self.scene(office)

            let report = try await office.run(ReadLog(last: 1000, principal: "root"))

            let messages = report.entries.filter { $0.kind == "message" }
            #expect(messages.map(\.sender) == ["alice", "alice"])
            #expect(messages.map(\.flow?.title) == ["Garden", "Garden"])
            #expect(messages.map(\.flow?.uuid) == [scene.group, scene.group])
            #expect(messages.map(\.number) == [0, 1])
            #expect(messages.allSatisfy { $0.text == nil && $0.size > 20 })
            #expect(report.entries.map(\.position) == report.entries.map(\.position).sorted())
            #expect(report.next == report.entries.last?.position)
            #expect(report.entries.contains { $0.kind == "user" && $0.subject == "bob" })
            #expect(report.entries.first?.time == "2026-02-01T00:00:00.250Z")
        }
    }

    @Test func textsAreShownOnRequestAndNotedInTheLog() async throws {
        let notes = LogCapture()
        try await Office.open(logger: notes.logger(.info)) { office in
            let scene = try await Self.scene(office)
            #expect(notes.lines.isEmpty)

            let report = try await office.run(ReadLog(last: 1000, showsText: true, principal: "carol"))

            #expect(report.entries.compactMap(\.text) == scene.messages)
            #expect(notes.lines.count == 1)
            let note = try #require(notes.lines.first)
            #expect(note.contains("carol"))
            for text in scene.messages { #expect(!note.contains(text)) }
        }
    }

    @Test func pagesFollowEachOtherWithoutGapOrRepeat() async throws {
        try await Office.open { office in
            _ = try await Self.scene(office)
            let all = try await office.run(ReadLog(last: 1000, principal: "root"))
            var positions: [Int64] = []
            var request = ReadLog(after: 0, limit: 2, principal: "root")

            while true {
                let page = try await office.run(request)
                if page.entries.isEmpty { break }
                #expect(page.entries.count <= 2)
                positions += page.entries.map(\.position)
                request.after = page.next
            }

            #expect(positions == all.entries.map(\.position))
        }
    }

    @Test func whoeverWaitsIsToldOfWhatComes() async throws {
        try await Office.open { office in
            _ = try await Self.scene(office)
            let head = try await office.run(ReadLog(last: 0, principal: "root")).next
            let waiting = ReadLog(after: head, wait: ReadLog.maximumWait, principal: "root")

            async let news = office.run(waiting)
            try await office.user("dave")

            #expect(try await news.entries.first?.subject == "dave")
        }
    }

    @Test func waitingEndsWithTheTask() async throws {
        try await Office.open { office in
            let waiting = Task {
                try await office.run(ReadLog(last: 0, wait: ReadLog.maximumWait, principal: "root"))
            }
            waiting.cancel()

            await #expect(throws: OperationError.self) { try await waiting.value }
        }
    }

    @Test(arguments: [
        ReadLog(limit: 0, principal: ""), ReadLog(limit: 501, principal: ""), ReadLog(wait: -1, principal: ""),
        ReadLog(wait: 30_001, principal: ""), ReadLog(after: -1, principal: ""), ReadLog(last: -1, principal: ""),
    ])
    func whatIsOutOfRangeIsRefused(_ operation: ReadLog) async throws {
        try await Office.open { office in
            let refusal = try await office.refusal(of: operation)
            #expect(refusal.kind == .invalid)
        }
    }
}
