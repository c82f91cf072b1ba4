// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON

/// Who reads what is encoded.
///
/// It decides about secrets.
enum MTPReader {
    case client, server
}

extension FlowObject {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("uuid", uuid)
        writer.member("time", time)
        writer.member("type", type)
        writer.member("title", title)
        writer.member("info", info)
        writer.member("owner", owner)
        if let users {
            writer.key("users")
            writer.beginArray()
            for user in users { user.write(to: &writer) }
            writer.endArray()
        }
        writer.member("message_start", messageStart)
        writer.member("message_end", messageEnd)
        writer.endObject()
    }
}

extension MessageObject {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("uuid", uuid)
        writer.member("client_id", clientID)
        writer.member("text", text)
        writer.member("from_user", fromUser)
        writer.member("time", time)
        writer.member("from_flow", fromFlow)
        writer.member("file_picture", filePicture)
        writer.member("file_video", fileVideo)
        writer.member("file_audio", fileAudio)
        writer.member("file_document", fileDocument)
        writer.member("emoji", emoji)
        writer.member("edited_time", editedTime)
        writer.member("edited_status", editedStatus)
        writer.endObject()
    }
}

extension UserObject {
    func write(to writer: inout JSONWriter, for reader: MTPReader) {
        writer.beginObject()
        writer.member("uuid", uuid)
        writer.member("login", login)
        writer.member("password", reader == .server ? password : nil)
        writer.member("username", username)
        writer.member("is_bot", isBot)
        writer.member("auth_id", authID)
        writer.member("token_ttl", tokenTTL)
        // COMPAT: the clients' models refuse an email that is no address, such as the emptied one of a deleted account.
        writer.member("email", reader == .client && email.map(EmailAddress.isValid) == false ? nil : email)
        writer.member("avatar", avatar)
        writer.member("bio", bio)
        writer.member("time_created", timeCreated)
        writer.member("is_online", isOnline)
        writer.endObject()
    }
}

extension MTPData {
    func write(to writer: inout JSONWriter, for reader: MTPReader) {
        writer.beginObject()
        writer.member("time", time)
        if let flow {
            writer.key("flow")
            writer.beginArray()
            for element in flow { element.write(to: &writer) }
            writer.endArray()
        }
        if let message {
            writer.key("message")
            writer.beginArray()
            for element in message { element.write(to: &writer) }
            writer.endArray()
        }
        if let user {
            writer.key("user")
            writer.beginArray()
            for element in user { element.write(to: &writer, for: reader) }
            writer.endArray()
        }
        writer.key("meta")
        writer.null()
        writer.endObject()
    }
}

extension MTPMeta {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("push", push)
        writer.member("since", since)
        writer.member("invite", invite)
        writer.member("presence", presence)
        writer.member("end_session", endSession)
        writer.member("notice", notice)
        writer.endObject()
    }
}
