// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Storage

/// What happens in somebody's group, and what of it a person gets: the rule of `ReadableFlow` as a table.
///
/// Every protocol that shows groups runs all of them, with the person connected and away.
package struct MembershipCase: Sendable, CustomStringConvertible {
    /// Something that the owner of the group does.
    enum Step: Sendable {
        case join, leave
        case say(String)
        /// Another text for what was said so.
        case edit(String, to: String)
    }

    package let description: String
    let steps: [Step]
    /// What the person is shown unasked, live or after a login.
    package let pushed: [String]
    /// Edits of something older, which come beside where a protocol tells edits: members read it on request.
    package var pushedEdits: [String] { description == "old words edited" ? ["2"] : [] }
    /// What they read of the group when they ask; `nil` if it does not exist for them.
    package let read: [String]?

    /// What the person is told at last, in the chat of the two.
    package static let end = "that was all"

    private init(_ description: String, _ steps: [Step], pushed: [String], read: [String]?) {
        self.description = description
        self.steps = steps
        self.pushed = pushed
        self.read = read
    }

    /// The table.
    package static let all = [
        MembershipCase("never a member", [.say("1")], pushed: [], read: nil),
        MembershipCase("a member", [.join, .say("1"), .say("2")], pushed: ["1", "2"], read: ["1", "2"]),
        MembershipCase("joined late", [.say("1"), .join, .say("2")], pushed: ["2"], read: ["1", "2"]),
        MembershipCase("left", [.join, .say("1"), .leave, .say("2")], pushed: ["1"], read: ["1"]),
        MembershipCase(
            "joined late and left", [.say("1"), .join, .say("2"), .leave, .say("3")], pushed: ["2"], read: ["1", "2"]),
        MembershipCase("left without a word", [.say("1"), .join, .leave, .say("2")], pushed: [], read: ["1"]),
        MembershipCase(
            "came back", [.join, .say("1"), .leave, .say("2"), .join, .say("3")], pushed: ["1", "3"],
            read: ["1", "2", "3"]),
        MembershipCase(
            "left twice",
            [.say("0"), .join, .say("1"), .leave, .say("2"), .join, .say("3"), .say("4"), .leave, .say("5")],
            pushed: ["1", "3", "4"], read: ["0", "1", "2", "3", "4"]),
        MembershipCase(
            "edited after the leaving", [.join, .say("1"), .leave, .edit("1", to: "secret")], pushed: ["1"],
            read: ["1"]),
        MembershipCase(
            "old words edited", [.say("1"), .join, .edit("1", to: "2"), .say("3")], pushed: ["3"], read: ["2", "3"]),
    ]

    /// Each with the person connected, and away.
    package static let runs = all.flatMap { [($0, true), ($0, false)] }

    /// A group in which the owner is alone.
    package static func makeGroup(in test: ChatUnderTest, owner: Principal) async throws -> FlowAccess {
        try await test.chat.createGroup(title: "group", members: [], by: owner)
    }

    /// Lets it happen, and the end be said.
    package func play(in test: ChatUnderTest, group: FlowAccess, owner: Principal, member: Person) async throws {
        var said: [String: Identifier] = [:]
        for step in steps {
            switch step {
            case .join: _ = try await test.chat.addMember(member, to: group, by: owner)
            case .leave: try await test.chat.removeMember(member, from: group, by: owner)
            case .say(let text): said[text] = try await test.send(text, to: group.uuid, by: owner).uuid
            case .edit(let old, let new):
                guard let message = said[old] else { throw StorageTestError("nobody said '\(old)'") }
                _ = try await test.chat.edit(message, text: new, by: owner)
            }
        }
        let chat = try await test.chat.directFlow(with: member, by: owner)
        try await test.send(Self.end, to: chat.uuid, by: owner)
    }
}
