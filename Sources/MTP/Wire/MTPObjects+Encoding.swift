// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// Who reads what is encoded. It decides about secrets.
enum MTPReader {
    case client, server
}

extension FlowObject {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if let uuid { writer.key("uuid"); writer.string(uuid) }
        if let time { writer.key("time"); writer.int(time) }
        if let type { writer.key("type"); writer.string(type) }
        if let title { writer.key("title"); writer.string(title) }
        if let info { writer.key("info"); writer.string(info) }
        if let owner { writer.key("owner"); writer.string(owner) }
        if let users {
            writer.key("users")
            writer.beginArray()
            for user in users { writer.string(user) }
            writer.endArray()
        }
        if let messageStart { writer.key("message_start"); writer.int(messageStart) }
        if let messageEnd { writer.key("message_end"); writer.int(messageEnd) }
        writer.endObject()
    }
}

extension MessageObject {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if let uuid { writer.key("uuid"); writer.string(uuid) }
        if let clientID { writer.key("client_id"); writer.int(clientID) }
        if let text { writer.key("text"); writer.string(text) }
        if let fromUser { writer.key("from_user"); writer.string(fromUser) }
        if let time { writer.key("time"); writer.int(time) }
        if let fromFlow { writer.key("from_flow"); writer.string(fromFlow) }
        if let filePicture { writer.key("file_picture"); writer.string(filePicture) }
        if let fileVideo { writer.key("file_video"); writer.string(fileVideo) }
        if let fileAudio { writer.key("file_audio"); writer.string(fileAudio) }
        if let fileDocument { writer.key("file_document"); writer.string(fileDocument) }
        if let emoji { writer.key("emoji"); writer.string(emoji) }
        if let editedTime { writer.key("edited_time"); writer.int(editedTime) }
        if let editedStatus { writer.key("edited_status"); writer.bool(editedStatus) }
        writer.endObject()
    }
}

extension UserObject {
    func write(to writer: inout JSONWriter, for reader: MTPReader) {
        writer.beginObject()
        if let uuid { writer.key("uuid"); writer.string(uuid) }
        if let login { writer.key("login"); writer.string(login) }
        if let password, reader == .server { writer.key("password"); writer.string(password) }
        if let username { writer.key("username"); writer.string(username) }
        if let isBot { writer.key("is_bot"); writer.bool(isBot) }
        if let authID { writer.key("auth_id"); writer.string(authID) }
        if let tokenTTL { writer.key("token_ttl"); writer.int(tokenTTL) }
        // COMPAT: the clients' models refuse an email that is no address, so an emptied one is left out.
        if let email, reader == .server || !email.isEmpty { writer.key("email"); writer.string(email) }
        if let avatar { writer.key("avatar"); writer.string(avatar) }
        if let bio { writer.key("bio"); writer.string(bio) }
        if let timeCreated { writer.key("time_created"); writer.int(timeCreated) }
        writer.endObject()
    }
}

extension MTPData {
    func write(to writer: inout JSONWriter, for reader: MTPReader) {
        writer.beginObject()
        if let time { writer.key("time"); writer.int(time) }
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
        if let push { writer.key("push"); writer.bool(push) }
        if let since { writer.key("since"); writer.string(since) }
        writer.endObject()
    }
}
