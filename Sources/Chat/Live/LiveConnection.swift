// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// A live connection as the hub knows it.
///
/// Every call may come on any thread and returns at once.
package protocol LiveConnection: AnyObject, Sendable {
    /// The name of its protocol, such as `mtp`.
    var protocolName: String { get }
    /// Where what happens is sent.
    ///
    /// It stays the same as long as the connection is attached.
    var address: DeliveryAddress { get }
    /// Whether the connection is told of the account's contacts: those it watches change with them.
    var watchesContacts: Bool { get }
    /// People whom the account watches came, went or changed.
    func watchedChanged(_ changes: [WatchedChange])
    /// A session was revoked, has expired, or its account was deleted: if the connection works for it still, tell the
    /// peer and close.
    func sessionRevoked(_ session: SessionID)
    /// The operator has something to say to everybody who is connected.
    func announced(_ message: String)
}

extension LiveConnection {
    package var protocolName: String { "other" }
    package var watchesContacts: Bool { false }
    package func watchedChanged(_ changes: [WatchedChange]) {}
    /// Does nothing: the protocol has no words of a server.
    package func announced(_ message: String) {}
}

extension EventSink {
    package var protocolName: String { "other" }
}

/// Names a live connection for the sink of its protocol.
package struct DeliveryAddress: Sendable {
    /// The sink of the connection's protocol.
    package let sink: any EventSink
    /// The connection's number, which only the sink understands.
    package let connection: UInt64

    /// Names a connection.
    package init(sink: any EventSink, connection: UInt64) {
        self.sink = sink
        self.connection = connection
    }
}

/// One protocol's way to its live connections: encodes once, hands the result to many.
///
/// Calls come one after the other, in the order of the log, and must return soon. A connection must be told in the
/// order of the calls.
package protocol EventSink: AnyObject, Sendable {
    /// The name of the protocol, such as `mtp`.
    var protocolName: String { get }
    /// Whether the connections show accounts, so that they are told when any of them changes.
    var showsAccounts: Bool { get }
    /// New messages of one flow that these connections' accounts see.
    func deliver(_ run: LiveRun, to connections: [UInt64])
    /// Something else has happened that these connections' accounts see.
    func deliver(_ change: LiveChange, to connections: [UInt64])
    /// Something has happened that is only in the log: each is to read it after its cursor.
    func hint(_ connections: [UInt64])
}

/// Messages of one flow, one after the other in the log.
package struct LiveRun: Sendable {
    /// The flow they are in.
    package let flow: FlowAccess
    /// In the order of the log; at least one.
    package let messages: [LiveMessage]

    /// From the first one to the last one: the cursor of a connection that has them all.
    package var span: ClosedRange<Position> { messages[0].position...last }
    package var last: Position { messages[messages.count - 1].position }
}

/// A message as it was committed.
package struct LiveMessage: Sendable {
    package let position: Position
    package let number: Int64
    package let uuid: Identifier
    package let time: Timestamp
    package let sender: Person
    package let content: MessageContent
    /// When it was deleted, if it was gone before it could be delivered.
    package var edited: Timestamp?
}

/// A person whom the account watches, and what is new of them.
package struct WatchedChange: Sendable, Equatable {
    package var person: Person
    /// Whether they are connected now.
    package var isOnline: Bool
    /// Their name or other public data changed, not only whether they are there.
    package var isProfile: Bool
}

/// What everybody may know of an account.
package struct Person: Sendable, Equatable {
    package var id: UserID
    package var uuid: Identifier
    package var login: String
    package var username: String
    package var bio: String
    package var avatar: String
    /// The integer by which FastChat's clients know the account.
    package var publicNumber: Int64
    package var isHidden: Bool
    package var isDeleted: Bool

    /// What a record says.
    package init(_ record: UserRecord) {
        id = record.id
        uuid = record.uuid
        login = record.login
        username = record.username
        bio = record.bio
        avatar = record.avatar
        publicNumber = record.publicNumber
        isHidden = record.isHidden
        isDeleted = record.deleted != nil
    }
}
