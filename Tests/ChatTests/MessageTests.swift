// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import ChatTesting
import JSON
import Storage
import Testing

/// What becomes of a message: sent, edited, deleted, with files.
@Suite(.timeLimit(.minutes(10))) struct MessageTests {
    @Test(arguments: StorageKind.engines) func messagesAreNumberedFromNoughtInOrder(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(by: people[0])
            let other = try await test.createFlow(by: people[0])

            var sent: [Sent] = []
            for number in 0..<6 {
                sent.append(try await test.send("message \(number)", to: flow, by: people[number % 2]))
                try await test.send("elsewhere", to: other, by: people[0])
            }

            #expect(sent.map(\.receipt.number) == Array(0..<6))
            #expect(sent.map(\.receipt.position) == sent.map(\.receipt.position).sorted())
            let messages = try await test.messages(in: flow, for: people[1])
            #expect(messages.map(\.uuid) == sent.map(\.uuid))
            #expect(messages.map(\.number) == Array(0..<6))
            #expect(messages.map(\.content.text) == (0..<6).map { "message \($0)" })
            #expect(messages.map(\.sender) == (0..<6).map { people[$0 % 2].uuid })
            #expect(messages.allSatisfy { $0.flow == flow && $0.edited == nil })
        }
    }

    @Test(arguments: StorageKind.engines) func whatWasWrittenComesBackByteForByte(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let odd = "\"quotes\" \\ / \u{1}\u{1F}\u{7F} \u{2028} e\u{301} \u{E9} 🙂 \u{FFFF}\u{10FFFF} \r\n\t"
            // Kept in the message, kept beside it in the batch, and stored ahead of the batch.
            let files: [MessageContent.File: JSONText] = [
                .picture: JSONText(String(repeating: "p", count: ChatLimits.inlineFileBytes)),
                .video: JSONText(String(repeating: "ü", count: 600)),
                .audio: JSONText(String(repeating: "a", count: Blobs.maximumInBatchBytes + 1)),
                .document: JSONText(""),
            ]
            let content = MessageContent(text: odd, clientID: .max, emoji: odd, files: files)

            try await test.send(content, to: flow, by: alice)
            try await test.send(MessageContent(text: "", clientID: -1), to: flow, by: alice)

            let messages = try await test.messages(in: flow, for: alice)
            #expect(messages.map(\.content) == [content, MessageContent(text: "", clientID: -1)])
            #expect(messages[0].content.text.utf8.elementsEqual(odd.utf8))
        }
    }

    @Test(arguments: StorageKind.engines) func theSameFileInManyMessagesIsKeptOnce(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let file = JSONText(String(repeating: "x", count: 5000))
            let content = MessageContent(text: "", files: [.picture: file, .document: file])
            let first = try await test.send(content, to: flow, by: alice)
            try await test.send(content, to: flow, by: alice)

            _ = try await test.chat.delete(first.uuid, in: flow, by: alice)

            let messages = try await test.messages(in: flow, for: alice)
            #expect(messages[0].content == MessageContent(text: Message.deletedText))
            #expect(messages[1].content == content)
        }
    }

    @Test(arguments: StorageKind.engines) func anEditChangesTheTextAndNothingElse(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            var content = MessageContent(text: "tpyo", clientID: 7, emoji: "smile", files: [.picture: "file"])
            let sent = try await test.send(content, to: flow, by: alice)
            test.wallClock.advance(milliseconds: 5000)

            _ = try await test.chat.edit(sent.uuid, text: "tippo", by: alice)
            test.wallClock.advance(milliseconds: 5000)
            let receipt = try await test.chat.edit(sent.uuid, text: "typo", by: alice)

            let message = try #require(try await test.messages(in: flow, for: alice).first)
            content.text = "typo"
            #expect(message.content == content)
            #expect(message.uuid == sent.uuid)
            #expect(message.number == 0)
            #expect(message.time == sent.receipt.time)
            #expect(message.edited == receipt.time)
            #expect(receipt.time.milliseconds == sent.receipt.time.milliseconds + 10_000)
        }
    }

    @Test(arguments: StorageKind.engines) func anEditMayChangeFilesAndEmoji(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let large = JSONText(String(repeating: "l", count: Blobs.maximumInBatchBytes + 1))
            var content = MessageContent(
                text: "text", clientID: 7, emoji: "smile",
                files: [.picture: "small", .video: large, .audio: JSONText(String(repeating: "a", count: 5000))])
            let sent = try await test.send(content, to: flow, by: alice)
            func shown() async throws -> MessageContent? {
                try await test.messages(in: flow, for: alice).first?.content
            }

            _ = try await test.chat.edit(sent.uuid, text: nil, files: [.picture: large, .document: "new"], by: alice)
            content.files[.picture] = large
            content.files[.document] = "new"
            #expect(try await shown() == content)

            _ = try await test.chat.edit(sent.uuid, text: "other", emoji: "frown", files: [.video: "short"], by: alice)
            content.text = "other"
            content.emoji = "frown"
            content.files[.video] = "short"
            #expect(try await shown() == content)

            _ = try await test.chat.edit(
                sent.uuid, text: nil, emoji: "", files: [.picture: "", .audio: "", .document: ""], by: alice)
            content.emoji = nil
            content.files = [.video: "short"]
            #expect(try await shown() == content)

            _ = try await test.chat.delete(sent.uuid, in: flow, by: alice)
            #expect(try await shown() == MessageContent(text: Message.deletedText))
        }
    }

    @Test func whatCannotBeAFileIsRefusedInAnEdit() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let sent = try await test.send("text", to: flow, by: alice)

            await #expect(throws: ChatError.nullCharacter(field: "file_picture")) {
                try await test.chat.edit(sent.uuid, text: nil, files: [.picture: "a\0b"], by: alice)
            }
            await #expect(throws: ChatError.tooLong(field: "emoji", limit: ChatLimits.emojiBytes)) {
                try await test.chat.edit(
                    sent.uuid, text: nil, emoji: String(repeating: "e", count: ChatLimits.emojiBytes + 1), by: alice)
            }
            #expect(try await test.messages(in: flow, for: alice).first?.edited == nil)
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedMessageKeepsItsNumberAndNothingElse(
        on kind: StorageKind
    ) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let content = MessageContent(text: "secret", clientID: 1, emoji: "x", files: [.video: "small"])
            let sent = try await test.send(content, to: flow, by: alice)
            _ = try await test.chat.edit(sent.uuid, text: "still secret", by: alice)
            test.wallClock.advance(milliseconds: 1000)

            let receipt = try await test.chat.delete(sent.uuid, in: flow, by: alice)
            let next = try await test.send("next", to: flow, by: alice)

            #expect(next.receipt.number == 1)
            let messages = try await test.messages(in: flow, for: alice)
            #expect(messages.map(\.number) == [0, 1])
            #expect(messages[0].content == MessageContent(text: "Message deleted"))
            #expect(messages[0].edited == receipt.time)
            let record = try #require(try await test.storage.message(uuid: sent.uuid))
            #expect(!String(decoding: record.content, as: UTF8.self).contains("secret"))
            let events = try await test.storage.events(after: .start, limit: 100)
            #expect(!events.contains { String(decoding: $0.content, as: UTF8.self).contains("secret") })
        }
    }

    @Test(arguments: StorageKind.engines) func onlyTheAuthorChangesAMessage(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob", "carol")
            let group = try await test.createFlow(members: [people[1]], by: people[0])
            let other = try await test.createFlow(by: people[0])
            let sent = try await test.send("bob's", to: group, by: people[1])

            // Not even the owner of the flow.
            await #expect(throws: ChatError.notAllowed("Only the author may change a message.")) {
                try await test.chat.edit(sent.uuid, text: "x", by: people[0])
            }
            await #expect(throws: ChatError.notAllowed("Only the author may delete a message.")) {
                try await test.chat.delete(sent.uuid, in: group, by: people[0])
            }
            await #expect(throws: ChatError.noSuchMessage) {
                try await test.chat.edit(sent.uuid, text: "x", by: people[2])
            }
            await #expect(throws: ChatError.noSuchFlow) {
                try await test.chat.delete(sent.uuid, in: group, by: people[2])
            }
            await #expect(throws: ChatError.noSuchMessage) {
                try await test.chat.delete(sent.uuid, in: other, by: people[1])
            }
            await #expect(throws: ChatError.noSuchMessage) {
                try await test.chat.edit(Identifier(42), text: "x", by: people[1])
            }
            #expect(try await test.texts(in: group, for: people[0]) == ["bob's"])
        }
    }

    @Test(arguments: StorageKind.engines) func aDeletedMessageStaysDeleted(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            let sent = try await test.send("gone", to: flow, by: alice)
            _ = try await test.chat.delete(sent.uuid, in: flow, by: alice)

            let refusal = ChatError.notAllowed("A deleted message cannot be changed.")
            await #expect(throws: refusal) { try await test.chat.edit(sent.uuid, text: "back", by: alice) }
            await #expect(throws: refusal) { try await test.chat.delete(sent.uuid, in: flow, by: alice) }

            #expect(try await test.texts(in: flow, for: alice) == [Message.deletedText])
        }
    }

    /// What cannot be kept is refused before the batch, so that it never harms others' writes.
    @Test func limits() async throws {
        try await ChatUnderTest.with { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            func letters(_ count: Int) -> String { String(repeating: "x", count: count) }
            func refusal(of content: MessageContent) async -> ChatError? {
                do {
                    try await test.send(content, to: flow, by: alice)
                    return nil
                } catch {
                    return error as? ChatError
                }
            }

            #expect(await refusal(of: .init(text: "a\0b")) == .nullCharacter(field: "text"))
            #expect(await refusal(of: .init(text: "", emoji: "\0")) == .nullCharacter(field: "emoji"))
            for file in MessageContent.File.allCases {
                let content = MessageContent(text: "", files: [file: "a\0"])
                #expect(await refusal(of: content) == .nullCharacter(field: file.rawValue))
            }
            #expect(await refusal(of: .init(text: letters(65_537))) == .tooLong(field: "text", limit: 65_536))
            #expect(
                await refusal(of: .init(text: "", emoji: letters(16_385))) == .tooLong(field: "emoji", limit: 16_384))
            #expect(try await test.storage.counts().messages == 0)

            let longest = try await test.send(
                MessageContent(text: letters(65_536), emoji: letters(16_384)), to: flow, by: alice)
            await #expect(throws: ChatError.nullCharacter(field: "text")) {
                try await test.chat.edit(longest.uuid, text: "\0", by: alice)
            }
            await #expect(throws: ChatError.tooLong(field: "text", limit: 65_536)) {
                try await test.chat.edit(longest.uuid, text: letters(65_537), by: alice)
            }
            #expect(try await test.texts(in: flow, for: alice) == [letters(65_536)])
        }
    }

    @Test(arguments: StorageKind.engines) func messagesStayWhenTheirAuthorGoes(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let people = try await test.registerAll("alice", "bob")
            let flow = try await test.createFlow(by: people[0])
            try await test.send("remember me", to: flow, by: people[1])

            _ = try await test.chat.write(Write.DeleteUser(people[1].user), by: people[1].user)

            let message = try #require(try await test.messages(in: flow, for: people[0]).first)
            #expect(message.content.text == "remember me")
            #expect(message.sender == people[1].uuid)
            // Somebody who still holds what was known of the account gets nothing into the log.
            await #expect(throws: ChatError.accountDeleted) { try await test.send("ghost", to: flow, by: people[1]) }
        }
    }

    @Test func tooMuchThatWaitsIsRefused() async throws {
        var limits = BatchWriter.Limits()
        limits.maximumWaitingWrites = 4
        try await ChatUnderTest.with(limits: limits) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            try await test.send("first", to: flow, by: alice)
            test.engine.hold()
            // One is in the held batch, four wait.
            var pending = [try await test.chat.submit(MessageContent(text: "held"), to: flow, by: alice)]
            await test.engine.writeIsHeld()
            for _ in 0..<4 {
                pending.append(try await test.chat.submit(MessageContent(text: "waits"), to: flow, by: alice))
            }

            await #expect(throws: ChatError.busy) { try await test.send("too much", to: flow, by: alice) }

            #expect(pending.allSatisfy { !$0.isSettled })
            test.engine.release()
            for message in pending { _ = try await test.chat.receipt(of: message) }
            #expect(pending.allSatisfy { $0.isSettled })
            #expect(
                try await test.texts(in: flow, for: alice) == ["first", "held"] + Array(repeating: "waits", count: 4))
        }
    }

    @Test func closingCommitsWhatWaitsAndRefusesTheRest() async throws {
        try await ChatUnderTest.with(running: false) { test in
            async let running: Void = test.chat.run()
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            test.engine.hold()
            let pending = try await test.chat.submit(MessageContent(text: "last"), to: flow, by: alice)
            await test.engine.writeIsHeld()
            let behind = try await test.chat.submit(MessageContent(text: "behind"), to: flow, by: alice)

            test.chat.close()
            await #expect(throws: ChatError.busy) { try await test.send("late", to: flow, by: alice) }
            test.engine.release()
            await running

            #expect(try await test.chat.receipt(of: pending).number == 0)
            #expect(try await test.chat.receipt(of: behind).number == 1)
        }
    }

    @Test(arguments: StorageKind.shared) func aStoreThatIsGoneIsSaidToBeUnavailable(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            try await test.send("kept", to: flow, by: alice)

            await test.storage.close()

            await #expect(throws: ChatError.storageUnavailable) { try await test.send("lost", to: flow, by: alice) }
            await #expect(throws: ChatError.storageUnavailable) { try await test.messages(in: flow, for: alice) }
            await #expect(throws: ChatError.storageUnavailable) { try await test.logIn("alice") }
        }
    }

    @Test(arguments: StorageKind.engines) func aWriteWithoutAnswerIsSaidToBeUnknown(on kind: StorageKind) async throws {
        try await ChatUnderTest.with(kind) { test in
            let alice = try await test.register("alice").principal
            let flow = try await test.createFlow(by: alice)
            // Nobody is to wait for the look-up in vain.
            test.storage.beginClosing()
            test.engine.loseNextAnswer()

            await #expect(throws: ChatError.outcomeUnknown) { try await test.send("perhaps", to: flow, by: alice) }
            await #expect(throws: ChatError.storageUnavailable) { try await test.send("not", to: flow, by: alice) }

            test.engine.setOutOfReach(false)
            try await test.send("certain", to: flow, by: alice)
            let messages = try await test.messages(in: flow, for: alice)
            #expect(messages.map(\.content.text) == ["perhaps", "certain"])
        }
    }
}
