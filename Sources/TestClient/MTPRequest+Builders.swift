// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON
package import MTP

/// Who asks: what a server gave at registration or login.
package struct MTPCredentials: Hashable, Sendable {
    package var uuid: String
    /// The token.
    ///
    /// A secret.
    package var authID: String

    package init(uuid: String, authID: String) {
        self.uuid = uuid
        self.authID = authID
    }

    fileprivate var user: UserObject { UserObject(uuid: MTPIdentifier(uuid), authID: JSONText(authID)) }
}

/// One request for each method, with the members that it needs.
extension MTPRequest {
    package static func registerUser(
        login: String, password: String, username: String? = nil, email: String? = nil
    ) -> MTPRequest {
        let user = UserObject(login: login, username: username, password: password, email: email)
        return MTPRequest(.registerUser, data: MTPData(user: [user]))
    }

    package static func authentication(login: String, password: String) -> MTPRequest {
        MTPRequest(.authentication, data: MTPData(user: [UserObject(login: login, password: password)]))
    }

    /// `time` is in Unix seconds, inclusive; `since` is a cursor in its place; `push` switches pushes on.
    package static func getUpdate(
        as principal: MTPCredentials, time: Int64? = nil, since: String? = nil, push: Bool? = nil
    ) -> MTPRequest {
        MTPRequest(
            .getUpdate, data: MTPData(time: time, user: [principal.user]),
            meta: since == nil && push == nil ? nil : MTPMeta(push: push, since: since))
    }

    package static func sendMessage(as principal: MTPCredentials, flow: String, _ message: MessageObject) -> MTPRequest
    {
        MTPRequest(
            .sendMessage,
            data: MTPData(
                flow: [FlowObject(uuid: MTPIdentifier(flow))], message: [message], user: [principal.user]))
    }

    /// Numbers count from 0; the `end` is not included.
    package static func allMessages(
        as principal: MTPCredentials, flow: String, time: Int64 = 0, start: Int64? = nil, end: Int64? = nil
    ) -> MTPRequest {
        let flow = FlowObject(uuid: MTPIdentifier(flow), messageStart: start, messageEnd: end)
        return MTPRequest(.allMessages, data: MTPData(time: time, flow: [flow], user: [principal.user]))
    }

    /// The owner is who asks, unless another is named.
    package static func addFlow(
        as principal: MTPCredentials, type: String, title: String? = nil, info: String? = nil, owner: String? = nil,
        users: [String] = []
    ) -> MTPRequest {
        let flow = FlowObject(
            type: type, title: title, info: info, owner: MTPIdentifier(owner ?? principal.uuid),
            users: users.map { MTPIdentifier($0) })
        return MTPRequest(.addFlow, data: MTPData(flow: [flow], user: [principal.user]))
    }

    package static func allFlow(as principal: MTPCredentials) -> MTPRequest {
        MTPRequest(.allFlow, data: MTPData(user: [principal.user]))
    }

    package static func userInfo(as principal: MTPCredentials, about users: [String]) -> MTPRequest {
        MTPRequest(
            .userInfo, data: MTPData(user: [principal.user] + users.map { UserObject(uuid: MTPIdentifier($0)) }))
    }

    /// Asks for one user by login, which the published protocol cannot.
    package static func userInfo(as principal: MTPCredentials, login: String) -> MTPRequest {
        MTPRequest(.userInfo, data: MTPData(user: [principal.user, UserObject(login: login)]))
    }

    package static func deleteUser(as principal: MTPCredentials, login: String, password: String) -> MTPRequest {
        var user = principal.user
        user.login = login
        user.password = password
        return MTPRequest(.deleteUser, data: MTPData(user: [user]))
    }

    package static func deleteMessage(as principal: MTPCredentials, flow: String, message: String) -> MTPRequest {
        MTPRequest(
            .deleteMessage,
            data: MTPData(
                flow: [FlowObject(uuid: MTPIdentifier(flow))], message: [MessageObject(uuid: MTPIdentifier(message))],
                user: [principal.user]))
    }

    package static func editedMessage(as principal: MTPCredentials, message: String, text: JSONText) -> MTPRequest {
        MTPRequest(
            .editedMessage,
            data: MTPData(
                message: [MessageObject(uuid: MTPIdentifier(message), text: text)], user: [principal.user]))
    }

    /// `push` switches pushes on: of what is new from now on.
    package static func pingPong(as principal: MTPCredentials, push: Bool? = nil) -> MTPRequest {
        MTPRequest(.pingPong, data: MTPData(user: [principal.user]), meta: push.map { MTPMeta(push: $0) })
    }
}
