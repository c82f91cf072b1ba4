// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import JSON
import Storage

/// One logged-in account, for whom messages are put into objects of the protocol.
struct FastChatReader: Sendable {
    /// What the reader gets of one event.
    struct Entry: Sendable {
        var position: Position
        var objects: [[UInt8]]
    }

    /// Encrypting with longer keys takes too long for an event loop.
    private static let maximumBitsOnLoop = 4096
    private static let maximumMessagesOnLoop = 8
    private static let maximumPictureBytesOnLoop = 32 << 10
    /// A longer picture would not fit the read of an old client once it is encrypted.
    private static let maximumPictureBytes = 512 << 10

    let user: UserID
    let number: FastChatUserNumber
    /// What the account published when it registered; `nil` for one from another protocol.
    let key: RSAPublicKey?

    /// Whether messages may be encrypted on an event loop: it takes less than a millisecond.
    func isQuick(_ run: LiveRun) -> Bool {
        guard let key else { return true }
        return key.bits <= Self.maximumBitsOnLoop && run.messages.count <= Self.maximumMessagesOnLoop
            && run.messages.allSatisfy {
                ($0.content.files[.picture]?.utf8Count ?? 0) <= Self.maximumPictureBytesOnLoop
            }
    }

    /// What the reader gets of messages of one flow.
    func entries(for run: LiveRun) -> [Entry] {
        run.messages.map { Entry(position: $0.position, objects: objects(for: $0, in: run.flow)) }
    }

    /// The objects for a message; none for the reader's own.
    ///
    /// Who published no key has none that the server could encrypt with: they get notices.
    func objects(for message: LiveMessage, in flow: FlowAccess, body: MessageBody? = nil) -> [[UInt8]] {
        guard message.sender.id != user else { return [] }
        let sender = FastChatUserNumber(message.sender)
        let group = flow.kind == .chat ? nil : FastChatGroupNumber(flow.id)
        let content = message.content
        let time = FastChatTime.text(milliseconds: message.time.milliseconds)
        guard let key else {
            let notice = FastChatNotice("\(sender.rawValue): \(content.readableText)", group: group)
            return [notice.encoded(for: number, time: time)]
        }
        if let body,
            let sealed = FastChatStored.message(body, of: content, sender: sender, group: group, for: number)
        {
            return [sealed.encoded()]
        }
        var objects: [[UInt8]] = []
        func seal(_ kind: FastChatHeader.Kind, _ text: String) {
            let header = FastChatHeader(kind: kind, sender: sender, group: group, time: time)
            objects.append(sealed(text, header, for: key))
        }
        if content.encryption == nil, let picture = content.files[.picture],
            picture.utf8Count <= Self.maximumPictureBytes, case let text = picture.string,
            FastChatPicture.isPlausible(text)
        {
            var rest = content
            rest.files[.picture] = nil
            if !rest.readableText.isEmpty { seal(.text, rest.readableText) }
            seal(.image, text)
        } else {
            seal(.text, content.readableText)
        }
        return objects
    }

    private func sealed(_ text: String, _ header: FastChatHeader, for key: RSAPublicKey) -> [UInt8] {
        var random = SecureRandom()
        guard let envelope = try? HybridEnvelope(sealing: text, for: key, using: &random) else {
            return FastChatNotice(
                "A message from \(header.sender.rawValue) could not be encrypted for your key.", group: header.group
            ).encoded(for: number, time: header.time)
        }
        let copy = FastChatCopy(
            recipient: number, body: JSONText(envelope.message), key: JSONText(envelope.key))
        return FastChatMessage(header, copy).encoded()
    }
}
