// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON
package import NIOCore

/// One answer, or one push frame.
package struct MTPResponse: Sendable, Equatable {
    /// The method's name, or `MTPMethod.errorType`.
    package var type: String
    package var data: MTPData?
    /// Corresponds to `errors.code`.
    ///
    /// Ours are statuses; another server's may be any number.
    package var code: Int
    /// Corresponds to `errors.status`: the phrase.
    package var status: String
    /// Corresponds to `errors.time`, in Unix seconds.
    package var time: Int64
    /// Corresponds to `errors.detail`: what it means for this request.
    package var detail: String?
    package var meta: MTPMeta?

    /// An answer.
    ///
    /// Without a `detail` the status describes itself.
    package init(
        type: String, _ status: MTPStatus, detail: String? = nil, time: Int64, data: MTPData? = nil,
        meta: MTPMeta? = nil
    ) {
        self.type = type
        self.data = data
        self.code = status.code
        self.status = status.phrase
        self.time = time
        self.detail = detail ?? status.description
        self.meta = meta
    }

    /// Whether the request was fulfilled, at least in part.
    package var isSuccess: Bool { (200..<300).contains(code) }

    /// The answer as a text frame, members in the published order.
    ///
    /// Never with a password.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        write(to: &writer)
        return writer.bytes
    }

    /// The same as a buffer for a connection.
    package func frame() -> ByteBuffer {
        var writer = JSONWriter(capacity: 512)
        write(to: &writer)
        return writer.withBytes { ByteBuffer(bytes: $0) }
    }

    /// Writes the answer as one value.
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("type")
        writer.string(type)
        writer.key("data")
        if let data { data.write(to: &writer, for: .client) } else { writer.null() }
        writer.key("errors")
        writer.beginObject()
        writer.key("code")
        writer.int(code)
        writer.key("status")
        writer.string(status)
        writer.key("time")
        writer.int(time)
        writer.member("detail", detail)
        writer.endObject()
        writer.key("jsonapi")
        writer.raw(#"{"version":"1.0","revision":"17"}"#)
        writer.key("meta")
        if let meta { meta.write(to: &writer) } else { writer.null() }
        writer.endObject()
    }

    /// Decodes one text frame of a server, for clients.
    package init(decoding frame: ByteBuffer) throws(MTPDecodeError) {
        self = try frame.withUnsafeReadableBytes { bytes in
            Result { () throws(MTPDecodeError) in try MTPResponse(decoding: bytes) }
        }.get()
    }

    /// Decodes one text frame of a server, for clients.
    package init(decoding frame: UnsafeRawBufferPointer) throws(MTPDecodeError) {
        self = try MTPFrame.decode(frame) { (members) throws(MTPDecodeError) in try MTPResponse(members) }
    }

    private init(_ members: JSONView.Members) throws(MTPDecodeError) {
        let top = MTPPlace(path: "")
        let place = MTPPlace(path: "errors")
        var type: String?
        var data: MTPData?
        var code: Int64?
        var status: String?
        var time: Int64?
        var detail: String?
        var meta: MTPMeta?
        for (name, value) in members where !value.isNull {
            switch name {
            case "type": type = try value.string("type", in: top)
            case "data": data = try MTPData(value.members("data", in: top))
            case "errors":
                for (name, value) in try value.members("errors", in: top) where !value.isNull {
                    switch name {
                    case "code": code = try value.int("code", in: place)
                    case "status": status = try value.string("status", in: place)
                    case "time": time = try value.int("time", in: place)
                    case "detail": detail = try value.string("detail", in: place)
                    default: break
                    }
                }
            case "meta": meta = try MTPMeta(value)
            default: break
            }
        }
        guard let type, let code = code.flatMap(Int.init(exactly:)), let status, let time else {
            throw MTPDecodeError("type, errors.code, errors.status or errors.time is missing")
        }
        self.type = type
        self.data = data
        self.code = code
        self.status = status
        self.time = time
        self.detail = detail
        self.meta = meta
    }
}
