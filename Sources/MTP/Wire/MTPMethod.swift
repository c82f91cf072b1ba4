// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The methods of the protocol.
///
/// A case's text is the `type` of requests and answers.
package enum MTPMethod: String, CaseIterable, Sendable {
    case registerUser = "register_user"
    case authentication
    case getUpdate = "get_update"
    case sendMessage = "send_message"
    case allMessages = "all_messages"
    case addFlow = "add_flow"
    case allFlow = "all_flow"
    case userInfo = "user_info"
    case deleteUser = "delete_user"
    case deleteMessage = "delete_message"
    case editedMessage = "edited_message"
    case pingPong = "ping_pong"

    /// The `type` of an answer to what was not recognised.
    package static let errorType = "error"

    /// Whether the first user of a request must name who asks; not so where a login and a password do.
    package var needsAuthorization: Bool { self != .registerUser && self != .authentication }
}
