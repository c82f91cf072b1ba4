// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import Storage

/// How the messages of this protocol are kept in the log.
///
/// A message that only its recipients can read keeps its header in the event, once. One that the server opened is an
/// event like any other; what its sender encrypted for others has the header with it.
enum FastChatStored {
    /// What everybody reads instead of a message that the server could not open.
    static let unreadableText = "[unreadable message]"
    private static let headerName = "header"
    /// A longer header is not kept with each body.
    private static let maximumHeaderBytes = 1024
    private static let lineEnd = UInt8(ascii: "\n")

    /// The event of a message that the server cannot read.
    static func sealed(_ header: FastChatHeader) -> MessageContent {
        var content = MessageContent(text: MessageContent.encryptedText)
        content.encryption = FastChatService.name
        content.envelope[headerName] = String(decoding: encoded(header), as: UTF8.self)
        return content
    }

    /// What one recipient is to get.
    static func body(_ copy: FastChatCopy, for recipient: UserID, header: FastChatHeader?) -> NewBody {
        var body: [UInt8] = []
        if var header {
            body = encoded(header)
            if body.count > maximumHeaderBytes {
                header.others = []
                if header.time.utf8.count > maximumHeaderBytes / 2 { header.time = "" }
                body = encoded(header)
            }
        }
        body.append(lineEnd)
        copy.body.withUTF8 { body.append(contentsOf: $0) }
        return NewBody(recipient: recipient, body: body, key: copy.key.withUTF8 { Array($0) })
    }

    /// The message as its recipient reads it.
    ///
    /// - Returns: `nil` if the log has something else.
    static func message(
        _ body: MessageBody, of content: MessageContent, sender: FastChatUserNumber, group: FastChatGroupNumber?,
        for reader: FastChatUserNumber
    ) -> FastChatMessage? {
        guard let end = body.body.firstIndex(of: lineEnd) else { return nil }
        let kept = end > 0 ? Array(body.body[..<end]) : content.envelope[headerName].map { Array($0.utf8) } ?? []
        guard let json = try? JSONValue.parse(kept),
            let header = FastChatHeader(kept: json, sender: sender, group: group)
        else { return nil }
        let copy = FastChatCopy(
            recipient: reader, body: JSONText(String(decoding: body.body[(end + 1)...], as: UTF8.self)),
            key: JSONText(String(decoding: body.key, as: UTF8.self)))
        return FastChatMessage(header, copy)
    }

    private static func encoded(_ header: FastChatHeader) -> [UInt8] {
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        header.writeKeptMembers(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// The event of a message that the server opened.
    ///
    /// Nothing is refused here: the sender is not to learn what was in it.
    static func opened(_ text: String?, _ kind: FastChatHeader.Kind) -> MessageContent {
        guard let text else { return MessageContent(text: unreadableText) }
        switch kind {
        case .text: return MessageContent(text: storable(text))
        case .image:
            guard FastChatPicture.isPlausible(text) else {
                return MessageContent(text: MessageContent.File.picture.word)
            }
            return MessageContent(text: "", files: [.picture: JSONText(text)])
        }
    }

    private static func storable(_ text: String) -> String {
        var text = text
        if text.utf8.contains(0) {
            text = String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
        }
        guard text.utf8.count > ChatLimits.textBytes else { return text }
        let mark = "…"
        var end = text.utf8.index(text.startIndex, offsetBy: ChatLimits.textBytes - mark.utf8.count)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return text[..<end] + mark
    }
}

/// Tells the Base64 text of a picture from other text.
enum FastChatPicture {
    /// How the Base64 of JPEG, PNG, GIF, WebP, BMP and TIFF begins.
    private static let beginnings = ["/9j/", "iVBORw0K", "R0lGOD", "UklGR", "Qk", "SUkqA", "TU0AK"]

    /// Whether the text is Base64 and begins like a known format.
    static func isPlausible(_ text: String) -> Bool {
        guard beginnings.contains(where: { text.utf8.starts(with: $0.utf8) }) else { return false }
        var digits = 0
        var padding = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                guard padding == 0 else { return false }
                digits += 1
            case UInt8(ascii: "="): padding += 1
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
            default: return false
            }
        }
        return padding <= 2 && (digits + padding).isMultiple(of: 4)
    }
}

extension FastChatService {
    /// How many copies for keys that the server holds are tried.
    private static let maximumOpened = 4

    /// Opens a message with the keys that the server holds for its recipients.
    ///
    /// As many are tried as there are, so that the time says nothing about which is well formed.
    func open(
        _ copies: [(person: Person, copy: FastChatCopy)], _ kind: FastChatHeader.Kind
    ) async throws(ChatError) -> MessageContent {
        var text: String?
        for (person, copy) in copies.prefix(Self.maximumOpened) {
            guard let key = try await serverHeldKey(of: person, createIfMissing: false) else { continue }
            let opened = await chat.offLoop {
                var random = SecureRandom()
                return HybridEnvelope(message: copy.body.string, key: copy.key.string)
                    .text(openedWith: key, using: &random)
            }
            if text == nil { text = opened }
        }
        return FastChatStored.opened(text, kind)
    }
}
