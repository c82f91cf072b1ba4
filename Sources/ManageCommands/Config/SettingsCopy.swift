// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Storage

/// A copy of the settings file beside it: `config.ini.20260131-235959`, perhaps with `-NAME`.
struct SettingsCopy: Encodable, Equatable {
    /// Without its folder.
    var name: String
    /// When it was made, as RFC 3339 writes it, after its name.
    var saved: String
    var bytes: Int

    /// What follows the name of the file, for a copy that is made at a time in Unix seconds.
    static func suffix(at seconds: Int, label: String? = nil) -> String {
        let date = UTCDate(milliseconds: Int64(seconds) * 1000)
        func digits(_ text: String) -> String { String(text.filter(\.isNumber)) }
        return "\(digits(date.day))-\(digits(date.time))" + (label.map { "-\($0)" } ?? "")
    }

    /// Whether a word may be in the name of a copy.
    static func isLabel(_ word: String) -> Bool {
        (1...64).contains(word.utf8.count)
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The copies of a file, the oldest first.
    static func all(of file: SettingsFile) throws(CommandError) -> [SettingsCopy] {
        guard let folder = opendir(file.folder) else {
            if errno == ENOENT { return [] }
            throw CommandError(
                .failed, "The folder '\(file.folder)' cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { closedir(folder) }
        var copies: [SettingsCopy] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix("\(file.name)."),
                let saved = time(Substring(name.dropFirst(file.name.count + 1)))
            else { continue }
            let bytes = SettingsFile(path: "\(file.folder)/\(name)", choice: .option).bytes
            copies.append(SettingsCopy(name: name, saved: saved, bytes: bytes ?? 0))
        }
        return copies.sorted { ($0.saved, $0.name) < ($1.saved, $1.name) }
    }

    /// The time in what follows the name of the file; `nil` when there is none.
    private static func time(_ suffix: Substring) -> String? {
        guard let match = suffix.prefixMatch(of: /(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?:-[\w-]*)?$/) else {
            return nil
        }
        let (_, year, month, day, hour, minute, second) = match.output
        return "\(year)-\(month)-\(day)T\(hour):\(minute):\(second)Z"
    }
}
