// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ExactText
import JSON
package import NIOCore

/// One request as it came from a client: everything has the right type, nothing is checked for sense.
///
/// `data`, its lists and their members may be missing: what a method needs, the method asks for (and answers 400).
package struct MTPRequest: Sendable, Equatable {
    /// The member `type`, known or not.
    package var type: String
    /// The member `jsonapi.version`.
    package var version: String
    /// The member `jsonapi.revision`.
    package var revision: String?
    /// The member `data`; empty when that was missing or `null`.
    package var data: MTPData
    /// The member `meta`, where it was an object.
    package var meta: MTPMeta?

    /// A request for the current version of the protocol.
    package init(
        _ method: MTPMethod, data: MTPData = MTPData(), meta: MTPMeta? = nil,
        version: String = MTPVersion.currentText, revision: String? = MTPVersion.revisionText
    ) {
        self.type = method.rawValue
        self.data = data
        self.meta = meta
        self.version = version
        self.revision = revision
    }

    /// The method that `type` names; `nil` is answered with 405.
    package var method: MTPMethod? { MTPMethod(word: type) }

    /// Who asks: the first user.
    package var principal: UserObject? { data.user?.first }

    /// Decodes one text frame.
    ///
    /// - Throws: `MTPDecodeError` for what is no JSON object, has no `type` or `jsonapi.version`, or has a known member
    ///   of the wrong type. Unknown members are ignored.
    package init(decoding frame: ByteBuffer) throws(MTPDecodeError) {
        // `withUnsafeReadableBytes` rethrows without a type.
        self = try frame.withUnsafeReadableBytes { bytes in
            Result { () throws(MTPDecodeError) in try MTPRequest(decoding: bytes) }
        }.get()
    }

    /// Decodes one text frame.
    package init(decoding frame: UnsafeRawBufferPointer) throws(MTPDecodeError) {
        self = try MTPFrame.decode(frame) { (members) throws(MTPDecodeError) in try MTPRequest(members) }
    }

    private init(_ members: JSONView.Members) throws(MTPDecodeError) {
        let top = MTPPlace(path: "")
        var type: String?
        var version: String?
        var revision: String?
        var data = MTPData()
        var meta: MTPMeta?
        for (name, value) in members where !value.isNull {
            switch name {
            case "type": type = try value.string("type", in: top)
            case "jsonapi":
                for (name, value) in try value.members("jsonapi", in: top) where !value.isNull {
                    let place = MTPPlace(path: "jsonapi")
                    switch name {
                    case "version": version = try value.string("version", in: place)
                    case "revision": revision = try value.identifier("revision", in: place).description
                    default: break
                    }
                }
            case "data": data = try MTPData(value.members("data", in: top))
            case "meta": meta = try MTPMeta(value)
            default: break
            }
        }
        guard let type else { throw MTPDecodeError("type is missing: it must be a string, the name of a method") }
        guard let version else {
            throw MTPDecodeError(
                "jsonapi.version is missing: it must be a string such as \"\(MTPVersion.currentText)\"")
        }
        self.type = type
        self.version = version
        self.revision = revision
        self.data = data
        self.meta = meta
    }

    /// The request as a text frame, for clients.
    ///
    /// It may hold a password.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("type")
        writer.string(type)
        writer.key("data")
        data.write(to: &writer, for: .server)
        writer.key("jsonapi")
        writer.beginObject()
        writer.key("version")
        writer.string(version)
        writer.member("revision", revision)
        writer.endObject()
        writer.key("meta")
        if let meta { meta.write(to: &writer) } else { writer.null() }
        writer.endObject()
        return writer.bytes
    }
}

enum MTPFrame {
    /// Gives `body` the members of the object that a frame must be.
    static func decode<Value>(
        _ frame: UnsafeRawBufferPointer, _ body: (JSONView.Members) throws(MTPDecodeError) -> Value
    ) throws(MTPDecodeError) -> Value {
        let value: JSONValue
        do {
            value = try JSONValue.parse(frame)
        } catch {
            throw MTPDecodeError("not a JSON object: \(error)")
        }
        return try value.withView { (view) throws(MTPDecodeError) in
            guard let members = view.members else {
                throw MTPDecodeError("the frame must be a JSON object, not \(view.kind.description)")
            }
            return try body(members)
        }
    }
}
