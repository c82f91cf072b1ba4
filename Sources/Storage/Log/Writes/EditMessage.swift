// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Puts another content in the place of what a message said before.
    package struct EditMessage: LogWrite {
        let flow: FlowID
        let message: Position
        let content: [UInt8]
        let blobs: [NewBlob]

        /// Each of `blobs` takes the place of the one with its name.
        ///
        /// An empty one says that there is none any more. Others stay.
        package init(flow: FlowID, message: Position, content: [UInt8], blobs: [NewBlob] = []) {
            self.flow = flow
            self.message = message
            self.content = content
            self.blobs = blobs
        }

        package var size: Int { 512 + content.count + blobs.reduce(0) { $0 + ($1.bytes?.count ?? 0) } }

        /// - Returns: How many bytes the files took that are no part of the message any more.
        package func apply(to log: inout LogTransaction) throws -> Int64 {
            try log.checkAuthor(of: message, in: flow)
            let replaced = try log.bytes(replacedBy: blobs, at: message)
            let edit = log.append(.edit, to: flow, content: content, replaces: message)
            try log.connection.execute(
                "UPDATE events SET replaced_by = $1 WHERE position = $2", [SQLValue(edit), SQLValue(message)])
            try log.store(blobs, at: message)
            return replaced
        }
    }
}
