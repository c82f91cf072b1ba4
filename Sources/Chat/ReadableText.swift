// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension MessageContent {
    /// What everybody reads instead of a message that only one protocol's clients can open.
    package static let encryptedText = "[encrypted message]"

    /// The message for clients that show only text, such as `hello` or `hello\n[picture]`.
    ///
    /// Files are named by their kind, never shown as bytes; an encrypted message is not opened, whatever its text says.
    package var readableText: String {
        if encryption != nil { return Self.encryptedText }
        let kinds = File.allCases.filter { files[$0] != nil }.map(\.word).joined(separator: " ")
        let words = text.isEmpty ? readableEmoji : text
        if kinds.isEmpty { return words }
        return words.isEmpty ? kinds : "\(words)\n\(kinds)"
    }

    /// An emoji in place of words; what is too long to be one is an image or the like.
    private var readableEmoji: String {
        guard let emoji, !emoji.isEmpty else { return "" }
        return emoji.utf8.count <= Self.maximumEmojiBytes ? emoji : "[emoji]"
    }

    private static let maximumEmojiBytes = 64
}

extension MessageContent.File {
    /// The kind as people read it, such as `[picture]`.
    package var word: String {
        switch self {
        case .picture: "[picture]"
        case .video: "[video]"
        case .audio: "[audio]"
        case .document: "[document]"
        }
    }
}
