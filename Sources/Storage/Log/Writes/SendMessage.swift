// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Appends a message.
    package struct SendMessage: LogWrite {
        let flow: FlowID
        let content: [UInt8]
        let blobs: [NewBlob]
        let bodies: [NewBody]

        /// `content` is the bytes of a JSON object.
        ///
        /// Of `bodies` those are kept whose recipient sees the flow, the first for each.
        package init(flow: FlowID, content: [UInt8], blobs: [NewBlob] = [], bodies: [NewBody] = []) {
            self.flow = flow
            self.content = content
            self.blobs = blobs
            self.bodies = bodies
        }

        package var action: Write.Action { .message(self) }

        package var size: Int {
            512 + content.count + blobs.reduce(0) { $0 + ($1.bytes?.count ?? 0) + 128 }
                + bodies.reduce(0) { $0 + $1.body.count + $1.key.count + 128 }
        }

        /// - Returns: The number of the message in its flow.
        package func apply(to log: inout LogTransaction) throws -> Int64 {
            guard let author = log.origin.author else { throw WriteRefusal.noSuchUser }
            guard let access = log.access(of: author, in: flow), let state = log.state(of: flow) else {
                throw WriteRefusal.noSuchFlow
            }
            try state.checkMayWrite(access)
            let position = log.append(.message, to: flow, content: content)
            try log.store(blobs, at: position)
            log.store(bodies, at: position, in: flow)
            return state.messageCount
        }
    }
}

/// An attachment kept once by its content.
///
/// Up to `Blobs.maximumInBatchBytes` it is written in the message's batch.
package struct NewBlob: Sendable {
    /// Its place in the message, such as `file_picture`.
    package var name: String
    package var sha256: [UInt8]
    /// `nil` when it is already stored.
    package var bytes: [UInt8]?

    package init(name: String, sha256: [UInt8], bytes: [UInt8]?) {
        self.name = name
        self.sha256 = sha256
        self.bytes = bytes
    }
}

/// What of a message was encrypted for one recipient.
package struct NewBody: Sendable, Equatable {
    package var recipient: UserID
    package var body: [UInt8]
    package var key: [UInt8]

    package init(recipient: UserID, body: [UInt8], key: [UInt8]) {
        self.recipient = recipient
        self.body = body
        self.key = key
    }
}

extension LogTransaction.FlowState {
    /// Refuses an account that may not write messages there: the rule of `Chat`, confirmed under the lock.
    fileprivate func checkMayWrite(_ access: LogTransaction.Access) throws(WriteRefusal) {
        if access.accountDeleted { throw .accountDeleted }
        switch kind {
        case .chat: if !access.isMember { throw .notMember }
        case .group: if !isPublic, !access.isMember { throw .notMember }
        case .channel:
            if access.isOwner { return }
            throw isPublic || access.isMember ? .mayNotWrite : .notMember
        }
    }
}
