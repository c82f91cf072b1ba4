// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// What a session is shown of the log beside where it stands: what it wrote itself, and how much of what was shown has
/// arrived; a rule without I/O.
struct SkaroFeed {
    let principal: Principal
    /// By the bytes that the connection had written.
    private var arrived = AcknowledgedPositions<Position>()
    /// Messages that this connection submitted and has not passed: they are not shown to it.
    private var own: Set<Identifier> = []

    /// What an account's session is shown.
    init(principal: Principal) {
        self.principal = principal
    }

    // MARK: What to show

    /// A message is about to be submitted.
    mutating func submits(_ message: Identifier) {
        own.insert(message)
    }

    /// Whether a message is to be shown: not what the connection wrote itself.
    mutating func shows(_ message: LiveMessage) -> Bool {
        own.isEmpty || own.remove(message.uuid) == nil
    }

    /// A message of its own that was refused after all.
    mutating func withdrawn(_ message: Identifier) {
        own.remove(message)
    }

    // MARK: What has arrived

    /// Whether something was written of which it is not known that it arrived.
    var isWaiting: Bool { arrived.isWaiting }

    /// Notes that a position was reached when the connection had written so many bytes.
    ///
    /// Also for a message inside a page: a page that arrives in part does not come again as a whole.
    ///
    /// - Returns: The position, if the peer is there already.
    mutating func wrote(_ position: Position, upTo bytes: UInt64) -> Position? {
        arrived.reached(position, at: bytes)
    }

    /// How far the peer is that has acknowledged so many bytes; `nil` when no farther than before.
    mutating func acknowledged(_ bytes: UInt64) -> Position? {
        arrived.acknowledged(bytes).last
    }
}
