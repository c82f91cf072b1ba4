// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import NIOCore

/// The home page, rendered for people and for programs.
struct HomePage: Sendable {
    /// Whether the database answered, and with it the page is complete.
    let isComplete: Bool
    let html: ByteBuffer
    /// The page as JSON: the same keys always, `null` for what is unknown.
    let json: ByteBuffer

    /// Renders `status`; `nil` says that the database is not available.
    init(_ status: ServerStatus?, hasChat: Bool = false, hasPanel: Bool = false, templates: PageTemplates) {
        self.isComplete = status != nil
        self.html = ByteBuffer(string: templates.renderHome(Self.values(status, hasChat: hasChat, hasPanel: hasPanel)))
        self.json = ByteBuffer(bytes: Self.jsonBytes(status))
    }

    private static func values(_ status: ServerStatus?, hasChat: Bool, hasPanel: Bool) -> [String: Any] {
        guard let status else { return ["available": false, "name": "Parley"] }
        return [
            "available": true,
            "chat": hasChat,
            "panel": hasPanel,
            "name": status.name,
            "version": status.version,
            "readOnly": status.mode == .readOnly,
            "maintenance": status.mode == .maintenance,
            "uptime": status.uptime.inWords,
            "protocols": status.protocols.map { ["name": $0.name, "address": $0.address] },
            "users": status.users.grouped,
            "flows": status.flows.grouped,
            "messages": status.messages.grouped,
        ]
    }

    private static func jsonBytes(_ status: ServerStatus?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", 1)
        writer.member("available", status != nil)
        writer.key("server")
        if let status {
            writer.beginObject()
            writer.member("name", status.name)
            writer.member("version", status.version)
            writer.member("mode", status.mode.rawValue)
            writer.member("uptime_seconds", max(0, status.uptime.components.seconds))
            writer.endObject()
        } else {
            writer.null()
        }
        writer.key("protocols")
        writer.beginArray()
        for (name, address) in status?.protocols ?? [] {
            writer.beginObject()
            writer.member("name", name)
            writer.member("address", address)
            writer.endObject()
        }
        writer.endArray()
        writer.key("counts")
        if let status {
            writer.beginObject()
            writer.member("users", Int64(status.users))
            writer.member("flows", Int64(status.flows))
            writer.member("messages", Int64(status.messages))
            writer.endObject()
        } else {
            writer.null()
        }
        writer.endObject()
        return writer.bytes
    }
}

extension Duration {
    /// The two largest units: `3 days 4 hours`.
    var inWords: String {
        let seconds = max(0, self.components.seconds)
        let units: [(Int64, String)] = [
            (seconds / 86400, "day"), (seconds / 3600 % 24, "hour"),
            (seconds / 60 % 60, "minute"), (seconds % 60, "second"),
        ]
        guard let largest = units.firstIndex(where: { $0.0 > 0 }) else { return "0 seconds" }
        return units[largest...].prefix(2).filter { $0.0 > 0 }
            .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
            .joined(separator: " ")
    }
}

extension Int {
    /// With a comma before each group of three digits: `1,234,567`.
    var grouped: String {
        let digits = Array(String(self.magnitude).utf8)
        var text = self < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index).isMultiple(of: 3) { text += "," }
            text.unicodeScalars.append(UnicodeScalar(digit))
        }
        return text
    }
}
