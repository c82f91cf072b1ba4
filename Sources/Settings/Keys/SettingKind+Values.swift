// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds

/// A value of a setting after reading.
package enum SettingValue: Sendable, Equatable {
    /// Text, a host, or one of some words (in the spelling of the table).
    case text(String)
    /// A whole number, bytes, or the number of a log level.
    case integer(Int)
    /// A span of time.
    case duration(Duration)
    case boolean(Bool)
    /// An absolute path.
    case path(String)
    /// A host and a port.
    case address(NetworkAddress)
    case version(ProtocolVersion)
    case database(DatabaseLocation)
    /// IP addresses and networks.
    case ranges([IPRange])
    /// Origins of web pages.
    case origins([WebOrigin])
    /// A rate; `nil` for none.
    case rate(Rate?)
    /// When something is done.
    case schedule(BackupSchedule)
}

/// Why a text is no value of a kind: two sentence parts, neither of which contains the text.
package struct SettingValueError: Error, Equatable, Sendable {
    /// What is wrong, to follow the value: "is not a whole number".
    package var problem: String
    /// What to do: a whole sentence.
    package var remedy: String
}

extension SettingKind {
    /// The longest value that is read.
    private static let maximumBytes = 4096

    /// Reads a value.
    ///
    /// - Throws: `SettingValueError`, which does not contain the text.
    package func parse(_ text: String, folder: String) throws(SettingValueError) -> SettingValue {
        // Words are compared as `String` does, which takes the square of what a hostile text is long.
        guard text.utf8.count <= Self.maximumBytes else {
            throw SettingValueError(problem: "is too long", remedy: "Write at most \(Self.maximumBytes) bytes.")
        }
        switch self {
        case .text: return .text(text)
        case .line(let limit):
            guard Self.isLine(text), text.count <= limit else { throw mismatch("is not such a line", text) }
            return .text(text)
        case .host: return .text(try Self.host(text))
        case .address(let ports):
            guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
                if Self.port(text[...]) != nil { throw mismatch("has no host", text) }
                throw mismatch("has no port", text)
            }
            let host = text[..<colon]
            guard !host.utf8.contains(UInt8(ascii: ":")) || host.hasPrefix("[") && host.hasSuffix("]") else {
                throw mismatch("has no brackets around the IPv6 address", text)
            }
            guard let port = Self.port(text[text.utf8.index(after: colon)...]), ports.contains(port) else {
                throw mismatch("has a port outside of the range", text)
            }
            return .address(NetworkAddress(host: try Self.host(String(host)), port: port))
        case .integer(let range):
            guard let number = Int(text) else { throw mismatch("is not a whole number", text) }
            guard range.contains(number) else { throw outOfRange() }
            return .integer(number)
        case .size(let range):
            guard let bytes = Self.size(text) else { throw mismatch("is not a size in bytes", text) }
            guard range.contains(bytes) else { throw outOfRange() }
            return .integer(bytes)
        case .duration(let unit, let range):
            guard let milliseconds = Self.milliseconds(text, plainUnit: unit) else {
                throw mismatch("is not a span of time", text)
            }
            guard (range.lowerBound * 1000)...(range.upperBound * 1000) ~= milliseconds else { throw outOfRange() }
            return .duration(.milliseconds(milliseconds))
        case .boolean:
            guard let value = Self.boolean(text) else { throw mismatch("is neither yes nor no", text) }
            return .boolean(value)
        case .choice(let words):
            guard let word = words.first(where: { $0.lowercased() == text.lowercased() }) else {
                throw mismatch("is not one of the possible words", text)
            }
            return .text(word)
        case .logLevel:
            let level = Self.logLevels.first { $0.name == text.uppercased() || "\($0.number)" == text }
            guard let level else { throw mismatch("is no log level", text) }
            return .integer(level.number)
        case .path:
            guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 }) else {
                throw SettingValueError(problem: "is not a path", remedy: "Write the path of a file or folder.")
            }
            return .path(Self.absolute(text, folder: folder))
        case .version:
            guard let version = ProtocolVersion(text) else { throw mismatch("is not a version", text) }
            return .version(version)
        case .databaseURI:
            do {
                return .database(try DatabaseLocation(uri: text, folder: folder))
            } catch {
                throw SettingValueError(problem: error.problem, remedy: error.remedy)
            }
        case .ranges: return .ranges(try list(text, of: "IP addresses") { IPRange($0) })
        case .origins: return .origins(try list(text, of: "origins") { WebOrigin($0) })
        case .rate:
            if text.lowercased() == "off" { return .rate(nil) }
            guard let rate = Rate(text) else { throw mismatch("is not a rate", text) }
            return .rate(rate)
        case .schedule:
            guard let schedule = BackupSchedule(text) else { throw mismatch("is not a schedule", text) }
            return .schedule(schedule)
        }
    }

    /// The parts between commas; blanks around them do not count.
    private func list<Element>(
        _ text: String, of what: String, _ parse: (Substring) -> Element?
    ) throws(SettingValueError) -> [Element] {
        var elements: [Element] = []
        for part in text.utf8.split(separator: UInt8(ascii: ",")) {
            let word = Array(part)[...].trimmingBlanks()
            guard let element = parse(Substring(decoding: word, as: UTF8.self)) else {
                throw mismatch("is not a list of \(what)", text)
            }
            elements.append(element)
        }
        return elements
    }

    /// What values look like, for documentation and error messages.
    package var form: String {
        switch self {
        case .text: "text"
        case .line(let limit): "one line of text, at most \(limit) characters"
        case .host: "a host name or an IP address"
        case .address(let ports): "HOST:PORT or [IPv6]:PORT, the port \(ports.lowerBound) to \(ports.upperBound)"
        case .integer(let range): "a whole number, \(range.lowerBound) to \(range.upperBound)"
        case .size(let range):
            "bytes, or 256K, 16 MiB, 1 GiB; \(Self.sizeText(range.lowerBound)) to \(Self.sizeText(range.upperBound))"
        case .duration(let unit, let range):
            "\(unit.plural), or with a unit: ms, s, m, h, d, w; "
                + "\(Self.durationText(range.lowerBound)) to \(Self.durationText(range.upperBound))"
        case .boolean: "yes or no (also on, off, true, false, 1, 0)"
        case .choice(let words): words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .logLevel: Self.logLevels.map { "\($0.name) (\($0.number))" }.joined(separator: ", ")
        case .path: "a path; a relative one counts from the folder of the settings file"
        case .version: "a version such as 1.0"
        case .ranges: "IP addresses and networks separated by commas, such as 10.0.0.7, 192.168.0.0/16, 2001:db8::/32"
        case .origins: "origins separated by commas, such as https://chat.example.org, http://localhost:3000"
        case .rate:
            "so many per second, minute, hour or day (/s, /m, /h, /d), and how many at once: 600/m burst 100; or off"
        case .schedule: "daily 03:30, weekly sunday 03:30 (UTC) or every 6h"
        case .databaseURI: "sqlite:PATH, sqlite:/:memory: or postgres://USER:PASSWORD@HOST:PORT/NAME"
        }
    }

    /// The shortest exact text for a number of bytes: `16 MiB`.
    package static func sizeText(_ bytes: Int) -> String {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes)"
    }

    private static func durationText(_ seconds: Int) -> String {
        let unit = [TimeUnit.days, .hours, .minutes].first { seconds > 0 && seconds % $0.rawValue == 0 } ?? .seconds
        return "\(seconds / unit.rawValue)\(unit.letter)"
    }

    private func outOfRange() -> SettingValueError {
        SettingValueError(problem: "is outside of the range", remedy: "Write \(form).")
    }

    private func mismatch(_ problem: String, _ text: String) -> SettingValueError {
        let hasComment = text.contains(" ;") || text.contains(" #")
        return SettingValueError(
            problem: problem,
            remedy: hasComment ? "Comments need a line of their own. Write \(form)." : "Write \(form)."
        )
    }

    private static func isLine(_ text: String) -> Bool {
        let isPrintable = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        return isPrintable && text.contains { !$0.isWhitespace }
    }

    /// The number of a port; digits only, at most five.
    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private static func host(_ text: String) throws(SettingValueError) -> String {
        let isAddress = text.hasPrefix("[") && text.hasSuffix("]")
        let host = isAddress ? String(text.dropFirst().dropLast()) : text
        let isAllowed = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: ":"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
        guard !host.isEmpty, host.utf8.count <= 255, isAllowed else {
            throw SettingValueError(
                problem: "is not a host name or an IP address",
                remedy: "Write an address such as 127.0.0.1 or ::1, or 0.0.0.0 for every IPv4 address of the machine."
            )
        }
        return host
    }

    static func absolute(_ path: String, folder: String) -> String {
        if path.hasPrefix("/") { return path }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return folder.hasSuffix("/") ? folder + relative : "\(folder)/\(relative)"
    }
}

/// A protocol version of two numbers.
package struct ProtocolVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number before the dot.
    package var major: Int
    /// The number after the dot.
    package var minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `MAJOR.MINOR` or `MAJOR`, each at most 9999; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part -> Int? in
            guard (1...4).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int(Substring(part))
        }
        guard (1...2).contains(parts.count), numbers.count == parts.count else { return nil }
        self.init(major: numbers[0], minor: numbers.count == 2 ? numbers[1] : 0)
    }

    /// `MAJOR.MINOR`.
    package var description: String { "\(major).\(minor)" }

    /// Compares the major, then the minor numbers.
    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
