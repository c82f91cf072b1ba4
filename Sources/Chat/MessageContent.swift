// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
package import JSON
package import Storage

/// What a person wrote: the content of a message event.
package struct MessageContent: Sendable, Equatable {
    /// The kinds of file that a message can carry, by the name of their member.
    package enum File: String, Sendable, CaseIterable {
        case picture = "file_picture"
        case video = "file_video"
        case audio = "file_audio"
        case document = "file_document"
    }

    /// The text without a copy: as it came in a request, or as the log has it.
    package var writtenText: JSONText
    /// The number by which the sender's client knows the message.
    package var clientID: Int64?
    package var emoji: String?
    /// Kept and returned byte for byte.
    package var files: [File: JSONText]
    /// The protocol whose clients alone can read it, such as `fastchat`; `text` then says so to everybody else.
    package var encryption: String?
    /// What only the protocol in `encryption` understands: text members by name.
    package var envelope: [String: String] = [:]
    /// Files lie beside the event and were not loaded with it.
    package private(set) var isIncomplete = false

    /// The same as a text.
    package var text: String {
        get { writtenText.string }
        set { writtenText = JSONText(newValue) }
    }

    /// How long the text is, in bytes of UTF-8.
    package var textBytes: Int { writtenText.utf8Count }

    package init(text: String, clientID: Int64? = nil, emoji: String? = nil, files: [File: JSONText] = [:]) {
        self.init(writtenText: JSONText(text), clientID: clientID, emoji: emoji, files: files)
    }

    package init(
        writtenText: JSONText, clientID: Int64? = nil, emoji: String? = nil, files: [File: JSONText] = [:]
    ) {
        self.writtenText = writtenText
        self.clientID = clientID
        self.emoji = emoji
        self.files = files
    }

    /// Refuses what is too long or cannot be stored.
    func check() throws(ChatError) {
        guard writtenText.utf8Count <= ChatLimits.textBytes else {
            throw .tooLong(field: "text", limit: ChatLimits.textBytes)
        }
        guard !writtenText.containsNull else { throw .nullCharacter(field: "text") }
        if let emoji { try Self.check(emoji, "emoji", limit: ChatLimits.emojiBytes) }
        for (file, content) in files where content.containsNull { throw .nullCharacter(field: file.rawValue) }
    }

    static func check(_ text: String, _ field: String, limit: Int) throws(ChatError) {
        guard text.utf8.count <= limit else { throw .tooLong(field: field, limit: limit) }
        guard !text.utf8.contains(0) else { throw .nullCharacter(field: field) }
    }

    /// Whether encoding and hashing it takes too long for an event loop.
    var isLarge: Bool { files.values.reduce(0) { $0 + $1.utf8Count } > Chat.longWorkBytes }

    // MARK: In the log

    /// The JSON object for the log, and the files that are kept beside it.
    func encoded() -> (content: [UInt8], blobs: [NewBlob]) {
        var blobs: [NewBlob] = []
        var writer = JSONWriter(capacity: writtenText.utf8Count + 64)
        writer.beginObject()
        writer.key("text")
        writer.string(writtenText)
        if let clientID {
            writer.key("client_id")
            writer.int(clientID)
        }
        if let emoji {
            writer.key("emoji")
            writer.string(emoji)
        }
        for file in File.allCases where !files.isEmpty {
            guard let content = files[file] else { continue }
            if content.utf8Count <= ChatLimits.inlineFileBytes {
                writer.key(escaping: file.rawValue)
                writer.string(content)
            } else {
                let bytes = content.withUTF8 { Array($0) }
                blobs.append(NewBlob(name: file.rawValue, sha256: SHA256Digest.digest(of: bytes), bytes: bytes))
            }
        }
        if !blobs.isEmpty {
            writer.key("beside")
            writer.int(Int64(blobs.count))
        }
        if let encryption {
            writer.key("encryption")
            writer.string(encryption)
            writer.key("envelope")
            writer.beginObject()
            for (name, value) in envelope.sorted(by: { $0.key < $1.key }) {
                writer.key(escaping: name)
                writer.string(value)
            }
            writer.endObject()
        }
        writer.endObject()
        return (writer.bytes, blobs)
    }

    /// The name of an emoji that an edit changed, among the files kept beside the event.
    private static let emojiName = "emoji"

    /// The JSON object of an edit for the log, and the files and emoji that it changes: empty ones are taken away.
    ///
    /// All of them are kept beside the message, whatever their size: so the edits of two devices do not undo each
    /// other's.
    func encodedEdit() -> (content: [UInt8], blobs: [NewBlob]) {
        let changed = MessageContent(writtenText: writtenText).encoded().content
        var beside: [(String, [UInt8])] = files.map { ($0.rawValue, $1.withUTF8 { Array($0) }) }
        if let emoji { beside.append((Self.emojiName, Array(emoji.utf8))) }
        return (changed, beside.map { NewBlob(name: $0, sha256: SHA256Digest.digest(of: $1), bytes: $1) })
    }

    /// Reads what `encoded` wrote; other protocols' content shows its `text`, if it has one.
    init(content: [UInt8], blobs: [String: [UInt8]]) {
        self.init(text: "")
        let value = try? JSONValue.parse(content)
        value?.withView { view in
            guard let members = view.members else { return }
            for (name, member) in members { read(name, member) }
        }
        if encryption == nil { envelope = [:] }
        isIncomplete = isIncomplete && blobs.isEmpty
        for (name, bytes) in blobs {
            // An empty one was taken away by an edit.
            let text = bytes.isEmpty ? nil : JSONText(utf8: bytes)
            if name == Self.emojiName { emoji = text?.string }
            if let file = File(rawValue: name) { files[file] = text }
        }
    }

    private mutating func read(_ name: JSONWord, _ value: JSONView) {
        switch name {
        case "text": writtenText = value.text ?? ""
        case "client_id": clientID = value.int
        case "emoji": emoji = value.string
        case "file_picture": files[.picture] = value.text
        case "file_video": files[.video] = value.text
        case "file_audio": files[.audio] = value.text
        case "file_document": files[.document] = value.text
        case "beside": isIncomplete = true
        case "encryption": encryption = value.string
        case "envelope":
            guard let members = value.members else { return }
            for (name, value) in members { envelope[name.string] = value.string }
        default: break
        }
    }

    /// The words that full-text search finds a message by.
    package static func searchText(_ content: [UInt8]) -> String? {
        (try? JSONValue.parse(content))?["text"]?.string
    }
}

/// A message as it is shown: edits and deletion applied.
package struct Message: Sendable, Equatable {
    package var uuid: Identifier
    package var flow: Identifier
    package var sender: Identifier
    package var number: Int64
    package var time: Timestamp
    package var content: MessageContent
    /// When it was edited or deleted.
    package var edited: Timestamp?

    /// What a deleted message says.
    package static let deletedText = "Message deleted"

    package init(_ record: MessageRecord) {
        uuid = record.uuid
        flow = record.flowUUID
        sender = record.senderUUID
        number = record.number
        time = record.time
        content = MessageContent(content: record.content, blobs: record.blobs)
        switch record.change {
        case nil: edited = nil
        case .edited(let time, let newer):
            edited = time
            content.writtenText = MessageContent(content: newer, blobs: [:]).writtenText
        case .deleted(let time):
            edited = time
            content = MessageContent(text: Self.deletedText)
        }
    }

    /// Messages as they are shown; many or long ones are taken apart on the threads of the process, not on the event
    /// loop that the task prefers.
    ///
    /// For code inside a page of `Chat.pages`.
    static func shown(_ records: [MessageRecord]) async -> [Message] {
        let bytes = records.reduce(0) { sum, record in
            record.blobs.values.reduce(sum + record.content.count) { $0 + $1.count }
        }
        guard bytes > Chat.longWorkBytes else { return records.map(Message.init) }
        return await Chat.offLoopInPage { records.map(Message.init) }
    }
}
