// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CBOR

extension SkaroCall {
    /// The request as a frame, for clients.
    ///
    /// It may hold a password.
    ///
    /// - Parameter id: Comes back as the `id` of the answer.
    /// - Returns: One binary message.
    package func encoded(id: CBORValue) -> [UInt8] {
        var writer = CBORWriter()
        writer.map { writer in
            writer.member("type", method.rawValue)
            switch self {
            case .registerType, .getContacts: break
            case .register(let registration):
                writer.member("login", registration.login)
                writer.member("password", registration.password)
                writer.member("name", registration.name)
                writer.member("email", registration.email)
                writer.member("invite", registration.invite)
            case .authorize(let login, let proof):
                writer.member("login", login)
                writer.member("password", proof)
            case .sessionRestore(let sid): writer.member("sid", sid)
            case .addContact(let login), .deleteContact(let login), .getUserData(let login):
                writer.member("login", login)
            case .searchContacts(let query): writer.member("query", query)
            case .updateMyData(let profile):
                writer.member("name", profile.name)
                writer.member("bio", profile.bio)
                writer.member("email", profile.email)
                writer.member("avatar", profile.avatar)
            case .getHistory(let dialog, let before, let limit):
                writer.member("login", dialog)
                switch before {
                case .message(let id): writer.member("before", id)
                case .time(let time): writer.member("before", time)
                case nil: break
                }
                writer.member("limit", limit.map(Int64.init))
            case .sendMessage(let to, let body):
                writer.member("to", to)
                writer.member("body", body)
            }
            writer.member("on_request", id)
        }
        return writer.bytes
    }
}
