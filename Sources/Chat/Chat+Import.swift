// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

extension Chat {
    /// Refuses what cannot be a message here.
    package func checkImportable(_ content: MessageContent) throws(ChatError) {
        try content.check()
    }

    /// A message of another server in the form of the log; large attachments are stored at once.
    package func importable(
        _ content: MessageContent
    ) async throws(ChatError) -> (content: [UInt8], blobs: [NewBlob]) {
        try content.check()
        let (bytes, blobs) = content.isLarge ? await offLoop { content.encoded() } : content.encoded()
        return (bytes, blobs.isEmpty ? [] : try await storingLarge(blobs))
    }

    /// Puts messages of another server into the log, with the times that they had there; `audit` is what is recorded of
    /// it.
    package func importMessages(
        _ messages: [ImportedMessage], audit: AuditNote?
    ) async throws(ChatError) -> Receipt<Void> {
        try await receipt(
            of: try submit(Write.ImportMessages(messages), by: nil, uuid: messages.first?.uuid, audit: audit))
    }
}
