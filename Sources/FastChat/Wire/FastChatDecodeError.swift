// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON

/// A value from a client is not a request.
///
/// A sample: `[3].dest must be an integer, not an object`.
package struct FastChatDecodeError: Error, Equatable, Sendable {
    /// What is wrong, naming the member but nothing of its contents: fit for the client and the log.
    package var detail: String
    /// Whether it was not even JSON; three such values in a row close the connection.
    package var isUnparseable: Bool

    package init(_ detail: String, isUnparseable: Bool = false) {
        self.detail = detail
        self.isUnparseable = isUnparseable
    }
}

extension FastChatDecodeError: CustomStringConvertible {
    package var description: String { detail }
}

/// An object in a request, and where it stands in it.
struct FastChatObject {
    let value: JSONValue
    /// Its place in the array around it.
    let index: Int?

    /// The value as an object.
    init(_ value: JSONValue, index: Int? = nil) throws(FastChatDecodeError) {
        self.value = value
        self.index = index
        guard value.kind == .object else {
            throw FastChatDecodeError(
                "\(index.map { "[\($0)]" } ?? "the request") must be an object, not \(kind(value))")
        }
    }

    /// A member; `nil` if it is missing or `null`.
    func member(_ name: StaticString) -> JSONValue? {
        value[name].flatMap { $0.isNull ? nil : $0 }
    }

    func required(_ name: StaticString, _ expected: String) throws(FastChatDecodeError) -> JSONValue {
        guard let member = member(name) else {
            throw FastChatDecodeError("\(place(name)) is missing: it must be \(expected)")
        }
        return member
    }

    func text(_ name: StaticString) throws(FastChatDecodeError) -> JSONText {
        let expected = "a string"
        let member = try required(name, expected)
        guard let text = member.text else { throw mismatch(name, expected, member) }
        guard !text.containsNull else { throw FastChatDecodeError("\(place(name)) contains U+0000") }
        return text
    }

    func string(_ name: StaticString) throws(FastChatDecodeError) -> String {
        try text(name).string
    }

    func user(_ name: StaticString) throws(FastChatDecodeError) -> FastChatUserNumber {
        FastChatUserNumber(try number(name))
    }

    func group(_ name: StaticString) throws(FastChatDecodeError) -> FastChatGroupNumber {
        let number = try number(name)
        guard number > 0 else { throw FastChatDecodeError("\(place(name)) must be 1 or more") }
        return FastChatGroupNumber(number)
    }

    /// The users of a list: one number, an array, or text such as `2,3,4`; each once, in their order.
    ///
    /// The old client sends an empty text for a group of its user alone.
    func users(_ name: StaticString) throws(FastChatDecodeError) -> [FastChatUserNumber] {
        let expected = "a list of integers such as \"2,3,4\""
        let member = try required(name, expected)
        var numbers: [Int64?] = []
        if let array = member.array {
            numbers = array.map { Self.number($0) }
        } else if let list = member.string {
            let parts = list.utf8.split(separator: UInt8(ascii: ","))
            numbers = parts.filter { !$0.allSatisfy(Self.isSpace) }.map { Self.number($0) }
        } else {
            numbers = [Self.number(member)]
        }
        guard numbers.count <= FastChatRequest.maximumMembers else {
            throw FastChatDecodeError("\(place(name)) names more than \(FastChatRequest.maximumMembers) users")
        }
        var users: [FastChatUserNumber] = []
        var seen: Set<Int64> = []
        for number in numbers {
            guard let number else { throw mismatch(name, expected, member) }
            if seen.insert(number).inserted { users.append(FastChatUserNumber(number)) }
        }
        return users
    }

    /// 0 or more.
    ///
    /// COMPAT: old clients write some numbers as text.
    func number(_ name: StaticString) throws(FastChatDecodeError) -> Int64 {
        let expected = "an integer, 0 or more"
        let member = try required(name, expected)
        guard let number = Self.number(member) else { throw mismatch(name, expected, member) }
        return number
    }

    /// 0 or 1; 0 if it is missing.
    func flag(_ name: StaticString) throws(FastChatDecodeError) -> Bool {
        guard let member = member(name) else { return false }
        if let bool = member.bool { return bool }
        guard let number = Self.number(member), number <= 1 else { throw mismatch(name, "0 or 1", member) }
        return number == 1
    }

    /// What is there but not as `expected`.
    func mismatch(_ name: StaticString, _ expected: String, _ value: JSONValue) -> FastChatDecodeError {
        // The kind says nothing where it would be right.
        let but = value.kind == .integer || value.kind == .string && !expected.hasPrefix("a string")
        return FastChatDecodeError("\(place(name)) must be \(expected)\(but ? "" : ", not \(value.kind.description)")")
    }

    func place(_ name: StaticString) -> String {
        index.map { "[\($0)].\(name)" } ?? "\(name)"
    }

    private static func number(_ value: JSONValue) -> Int64? {
        if let int = value.int { return int >= 0 ? int : nil }
        return value.string.flatMap { number($0.utf8[...]) }
    }

    /// 1 to 18 digits, with spaces around them.
    private static func number(_ text: Substring.UTF8View) -> Int64? {
        let digits = text.drop(while: isSpace).prefix { !isSpace($0) }
        guard text[digits.endIndex...].allSatisfy(isSpace), (1...18).contains(digits.count) else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return number
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") }
}

private func kind(_ value: JSONValue) -> String { value.kind.description }
