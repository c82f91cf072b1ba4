// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import CBOR
import ExactText

/// A frame is no request at all; it is answered by an `error` push.
///
/// The texts hold nothing of what the frame said.
package enum SkaroFrameError: Error, Equatable, Sendable {
    case notCBOR(CBORError)
    /// A data item other than a map; the text says which kind.
    case notAMap(kind: String)
    /// No `type`, or one that is no text.
    case noType
}

extension SkaroFrameError: CustomStringConvertible {
    /// A sentence for the client.
    package var description: String {
        switch self {
        case .notCBOR(let error): "The frame is not CBOR: \(error)."
        case .notAMap(let kind): "The frame must be a CBOR map, not \(kind)."
        case .noType: "The frame has no type: it must be a text, the name of a request."
        }
    }
}

/// One frame from a client: its type, known or not, and its fields, still unchecked.
///
/// The order of checks: decode, `method` (405), authorization (401), `call()` (400).
package struct SkaroRequest: Equatable, Sendable {
    /// The field `type`.
    package let type: String
    /// The field `on_request`, any value, for the answer's `id`; `null` if it is missing.
    package let id: CBORValue
    private let fields: CBORValue

    /// Decodes one binary message.
    ///
    /// - Parameters:
    ///   - frame: The whole message.
    ///   - limits: What is refused unread.
    /// - Throws: `SkaroFrameError` for what is not a CBOR map with a text `type`.
    package init(
        decoding frame: UnsafeRawBufferPointer, limits: CBORLimits = .standard
    ) throws(SkaroFrameError) {
        let value: CBORValue
        do {
            value = try CBORValue(decoding: frame, limits: limits)
        } catch {
            throw .notCBOR(error)
        }
        guard value.map != nil else { throw .notAMap(kind: "\(value.kind)") }
        guard let type = value["type"]?.text else { throw .noType }
        self.type = type
        id = value["on_request"] ?? .null
        fields = value
    }

    /// The same for an array of bytes.
    package init(decoding frame: [UInt8], limits: CBORLimits = .standard) throws(SkaroFrameError) {
        // `withUnsafeBytes` rethrows without a type.
        self = try frame.withUnsafeBytes { frame in
            Result { () throws(SkaroFrameError) in try SkaroRequest(decoding: frame, limits: limits) }
        }.get()
    }

    /// The request that `type` names.
    package var method: SkaroMethod? { SkaroMethod(word: type) }

    /// The request with its fields.
    ///
    /// Unknown fields are ignored; one that is `null` counts as missing.
    ///
    /// - Returns: The request, complete.
    /// - Throws: 405 for an unknown type, 400 for a field that is missing or of a wrong type, naming it.
    package func call() throws(SkaroRefusal) -> SkaroCall {
        guard let method else { throw .unknownMethod }
        switch method {
        case .registerType: return .registerType
        case .register:
            return .register(
                SkaroRegistration(
                    login: try text("login"), password: try text("password"), name: try textIfPresent("name"),
                    email: try textIfPresent("email"), invite: try textIfPresent("invite")))
        case .authorize: return .authorize(login: try text("login"), proof: try text("password"))
        case .sessionRestore: return .sessionRestore(sid: try text("sid"))
        case .getContacts: return .getContacts
        case .addContact: return .addContact(login: try text("login"))
        case .deleteContact: return .deleteContact(login: try text("login"))
        case .searchContacts: return .searchContacts(query: try text("query"))
        case .getUserData: return .getUserData(login: try text("login"))
        case .updateMyData: return .updateMyData(try profile())
        case .getHistory: return .getHistory(dialog: try text("login"), before: try before(), limit: try limit())
        case .sendMessage: return .sendMessage(to: try text("to"), body: try text("body"))
        }
    }

    // MARK: Fields

    private func field(_ name: String) -> CBORValue? {
        guard let value = fields[name], !value.isNull else { return nil }
        return value
    }

    private func text(_ name: String) throws(SkaroRefusal) -> String {
        guard let text = try textIfPresent(name) else {
            throw SkaroRefusal(.badRequest, "\(name) is missing: it must be a text.")
        }
        return text
    }

    private func textIfPresent(_ name: String) throws(SkaroRefusal) -> String? {
        guard let value = field(name) else { return nil }
        guard let text = value.text else { throw mismatch(name, "a text", value) }
        return text
    }

    private func profile() throws(SkaroRefusal) -> SkaroProfile {
        let profile = SkaroProfile(
            name: try textIfPresent("name"), bio: try textIfPresent("bio"), email: try textIfPresent("email"),
            avatar: try textIfPresent("avatar"))
        guard profile != SkaroProfile() else {
            throw SkaroRefusal(.badRequest, "Nothing is to change: name, bio, email and avatar are all missing.")
        }
        return profile
    }

    private func before() throws(SkaroRefusal) -> SkaroHistoryBound? {
        guard let value = field("before") else { return nil }
        if let id = value.text { return .message(id) }
        guard let time = integer(value) else {
            throw mismatch("before", "the id of a message (a text) or a time (an integer)", value)
        }
        return .time(time)
    }

    private func limit() throws(SkaroRefusal) -> Int? {
        guard let value = field("limit") else { return nil }
        guard let limit = integer(value) else { throw mismatch("limit", "an integer", value) }
        guard limit > 0 else { throw SkaroRefusal(.badRequest, "limit must be 1 or more.") }
        return Int(limit)
    }

    /// An integer; one beyond 64 bits is as good as the last within.
    private func integer(_ value: CBORValue) -> Int64? {
        switch value {
        case .unsigned(let number): Int64(clamping: number)
        case .negative: value.int ?? .min
        default: nil
        }
    }

    private func mismatch(_ name: String, _ expected: String, _ value: CBORValue) -> SkaroRefusal {
        SkaroRefusal(.badRequest, "\(name) must be \(expected), not \(value.kind).")
    }
}

/// Requests are printed without their fields, among which are passwords and messages.
extension SkaroRequest: CustomStringConvertible {
    package var description: String { method?.rawValue ?? "a request of an unknown type" }
}
