// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
import JSON
import Storage

/// What another FastChat server has kept, in the form in which this one keeps it.
package enum FastChatImport {
    /// A message that one recipient can open.
    package struct Sealed: Sendable {
        package var content: MessageContent
        package var body: [UInt8]
        package var key: [UInt8]
    }

    /// The message of a JSON object as its sender wrote it; `nil` if it is something else.
    package static func sealed(_ json: String, sender: Int64, group: Int64?) -> Sealed? {
        guard let object = try? JSONValue.parse(Array(json.utf8)),
            let header = FastChatHeader(
                kept: object, sender: FastChatUserNumber(sender), group: group.map { FastChatGroupNumber($0) }),
            let message = object["message"]?.string, let key = object["key"]?.string
        else { return nil }
        let copy = FastChatCopy(
            recipient: FastChatUserNumber(sender), body: JSONText(message), key: JSONText(key))
        let body = FastChatStored.body(copy, for: UserID(0), header: nil)
        return Sealed(content: FastChatStored.sealed(header), body: body.body, key: body.key)
    }

    /// Whether clients can encrypt for a key.
    package static func isKey(_ pem: String) -> Bool {
        (try? RSAPublicKey(pem: pem)) != nil
    }

    /// The time that Python wrote as `2026-11-21 06:36:40.123456`, taken as UTC; 0 for anything else.
    package static func milliseconds(_ text: String) -> Int64 {
        let parts = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).compactMap { Int64($0) }
        guard parts.count >= 6, (1970...9999).contains(parts[0]), (1...12).contains(parts[1]),
            (1...31).contains(parts[2])
        else { return 0 }
        // Days of the civil calendar since 1970, years counted from March.
        let year = parts[1] > 2 ? parts[0] : parts[0] - 1
        let day = (153 * (parts[1] + (parts[1] > 2 ? -3 : 9)) + 2) / 5 + parts[2] - 1
        let days = year * 365 + year / 4 - year / 100 + year / 400 + day - 719_468
        let seconds = ((days * 24 + parts[3] % 24) * 60 + parts[4] % 60) * 60 + parts[5] % 60
        return seconds * 1000 + (parts.count > 6 ? parts[6] % 1_000_000 / 1000 : 0)
    }
}
