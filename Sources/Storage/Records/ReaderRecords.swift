// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Up to where a device has seen the log.
package struct DeviceCursor: Sendable, Equatable {
    package var user: UserID
    /// Names the device among the account's, such as `session 7` or `messenger`.
    package var device: String
    package var position: Position

    package init(user: UserID, device: String, position: Position) {
        self.user = user
        self.device = device
        self.position = position
    }
}

/// What is needed of a flow to decide who may do what, without its members.
package struct FlowOutline: Sendable, Equatable {
    package var id: FlowID
    package var uuid: Identifier
    package var kind: FlowRecord.Kind
    package var owner: UserID
    package var isPublic: Bool
    /// The server opened an encrypted message of it for others: the flow is no longer end-to-end.
    package var isBridged: Bool
    package var head: Position
}

/// What of a message was encrypted for one reader.
package struct MessageBody: Sendable, Equatable {
    package var body: [UInt8]
    package var key: [UInt8]

    package init(body: [UInt8], key: [UInt8]) {
        self.body = body
        self.key = key
    }
}
