// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import JSON
import Settings

/// The formats that protocols are made of, and the settings.
extension FuzzedDecoder {
    static func json(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let value = try? JSONValue.parse(bytes) else { return }
        var first = JSONWriter()
        first.value(value)
        guard let again = try? JSONValue.parse(first.bytes) else { throw BrokenPromise("what is written is JSON") }
        var second = JSONWriter()
        second.value(again)
        try BrokenPromise.unless(first.bytes == second.bytes, "what is written is read back the same")
        guard let members = value.members else { return }
        for (name, member) in members {
            try BrokenPromise.unless(value[name.string]?.kind == member.kind, "a member is found by its name")
        }
    }

    static func cbor(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let value = try? CBORValue(decoding: bytes) else { return }
        guard let again = try? CBORValue(decoding: value.encoded()) else {
            throw BrokenPromise("what is written is CBOR")
        }
        try BrokenPromise.unless(again == value, "what is written is read back the same")
        try BrokenPromise.unless(again.hashValue == value.hashValue, "equal values have equal hashes")
        for pair in value.map ?? [] {
            try BrokenPromise.unless(value[pair.key] == pair.value, "a value is found by its key")
        }
    }

    /// The first line is a value to set; the rest is a settings file.
    static func ini(_ bytes: [UInt8]) throws(BrokenPromise) {
        let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        let file = Array(bytes[min(lineEnd + 1, bytes.endIndex)...])
        let text = String(decoding: bytes[..<lineEnd], as: UTF8.self)
        for key in SettingKey.all { _ = try? key.kind.parse(text, folder: "/") }
        guard var document = try? INIDocument(bytes: file) else { return }
        try BrokenPromise.unless(document.bytes == file, "a document keeps its bytes")
        for key in SettingKey.all { _ = document.entry(section: key.section, names: key.names) }
        for entry in document.entries {
            let found = document.entry(section: entry.section, names: [entry.name])
            try BrokenPromise.unless(found == entry, "an entry is found by its names")
        }
        for (section, name) in [("SERVER", "PORT"), ("NEW", "KEY")] {
            guard (try? document.set(section: section, names: [name], to: text)) != nil else { continue }
            let found = document.entry(section: section, names: [name])?.value
            try BrokenPromise.unless(found?.utf8.elementsEqual(text.utf8) == true, "what is set is read back the same")
        }
    }
}
