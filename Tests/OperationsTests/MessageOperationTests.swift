// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Operations
import Storage
import Testing

struct MessageOperationTests {
    /// Ten messages of Alice in a group of her own.
    private func fill(_ office: Office) async throws -> (flow: String, alice: Principal) {
        try await office.user("alice")
        let flow = try await office.run(CreateFlow(owner: "alice", type: .group, title: "Team")).uuid
        let alice = try await office.logIn("alice").principal
        for number in 0..<10 {
            try await office.say("message \(number)", in: try #require(Identifier(decimal: flow)), as: alice)
        }
        return (flow, alice)
    }

    @Test func messagesAreListedPageByPage() async throws {
        try await Office.open { office in
            let (flow, _) = try await fill(office)

            let first = try await office.run(ListMessages(uuid: flow, range: ListRange(limit: 6)))
            let second = try await office.run(
                ListMessages(uuid: flow, range: ListRange(after: try #require(first.next), limit: 6)))

            #expect(first.items.map(\.number) == Array(0..<6))
            #expect(second.items.map(\.text) == (6..<10).map { "message \($0)" })
            #expect(second.next == nil)
            #expect(first.items.allSatisfy { $0.author == "alice" && $0.flow == flow && !$0.isDeleted })
            let now = Office.time.seconds
            #expect(try await office.run(ListMessages(uuid: flow, since: now)).items.count == 10)
            #expect(try await office.run(ListMessages(uuid: flow, since: now + 1)).items.isEmpty)
            let past = try await office.run(ListMessages(uuid: flow, range: ListRange(after: 99)))
            #expect(past.items.isEmpty && past.next == nil)
            #expect(try await office.refusal(of: ListMessages(uuid: "12")).kind == .notFound)
            #expect(try await office.refusal(of: ListMessages(uuid: flow, range: ListRange(limit: 0))).kind == .invalid)
        }
    }

    @Test func aMessageIsShownAsItStands() async throws {
        try await Office.open { office in
            let (flow, alice) = try await fill(office)
            let message = try await office.run(ListMessages(uuid: flow)).items[3]
            let uuid = try #require(Identifier(decimal: message.uuid))
            _ = try await office.chat.edit(uuid, text: "changed", files: [.picture: "x"], by: alice)

            let shown = try await office.run(ShowMessage(uuid: message.uuid))

            #expect(shown.text == "changed" && shown.files == ["file_picture"] && shown.number == 3)
            #expect(shown.edited == "2026-02-01T00:00:00.250Z")
            #expect(try await office.refusal(of: ShowMessage(uuid: "12")).kind == .notFound)
            #expect(try await office.refusal(of: ShowMessage(uuid: "x")).kind == .invalid)
        }
    }

    @Test func messagesAreFoundByTheirWordsNewestFirst() async throws {
        try await Office.open { office in
            let (flow, alice) = try await fill(office)
            let target = try #require(Identifier(decimal: flow))
            for text in ["Lunch on Friday?", "no lunch", "LUNCH, friday!"] {
                try await office.say(text, in: target, as: alice)
            }

            let all = try await office.run(SearchMessages(words: "lunch friday"))
            let first = try await office.run(SearchMessages(words: "lunch", range: ListRange(limit: 2)))
            let second = try await office.run(
                SearchMessages(words: "lunch", range: ListRange(after: try #require(first.next), limit: 2)))

            #expect(all.items.map(\.text) == ["LUNCH, friday!", "Lunch on Friday?"])
            #expect(all.next == nil)
            #expect(first.items.map(\.text) == ["LUNCH, friday!", "no lunch"])
            #expect(second.items.map(\.text) == ["Lunch on Friday?"])
            #expect(try await office.run(SearchMessages(words: "dinner")).items.isEmpty)
            for wrong in ["", "?!", "a\0", String(repeating: "x", count: 5000)] {
                #expect(try await office.refusal(of: SearchMessages(words: wrong)).kind == .invalid)
            }
        }
    }

    @Test func aDeletedMessageSaysSoAndIsNotFound() async throws {
        try await Office.open { office in
            let (flow, alice) = try await fill(office)
            try await office.say("a secret", in: try #require(Identifier(decimal: flow)), as: alice)
            let message = try #require(try await office.run(SearchMessages(words: "secret")).items.first)

            let deleted = try await office.run(DeleteMessage(uuid: message.uuid))

            #expect(deleted.isDeleted && deleted.text == "Message deleted" && deleted.number == 10)
            #expect(try await office.run(SearchMessages(words: "secret")).items.isEmpty)
            #expect(try await office.run(ShowMessage(uuid: message.uuid)).isDeleted)
            #expect(try await office.refusal(of: DeleteMessage(uuid: message.uuid)).kind == .exists)
            #expect(try await office.refusal(of: DeleteMessage(uuid: "12")).kind == .notFound)
        }
    }
}
