// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import Testing

struct SettingKindTests {
    @Test(arguments: [
        ("4096", 4096), ("256K", 262_144), ("256 KiB", 262_144), ("16 MiB", 16_777_216), ("16m", 16_777_216),
        ("1 GiB", 1_073_741_824), ("5kB", 5000), ("7 MB", 7_000_000), ("2 GB", 2_000_000_000), ("12 B", 12),
    ]) func sizeIsRead(text: String, bytes: Int) {
        #expect(SettingKind.size(text) == bytes)
    }

    @Test(arguments: ["", "K", "-1", "1.5M", "1 TiB", "99999999999999999999", "9223372036854775807K", "1 K K", "٣"])
    func nonsenseIsNoSize(_ text: String) {
        #expect(SettingKind.size(text) == nil)
    }

    @Test(arguments: [
        ("3", SettingKind.TimeUnit.days, 259_200_000), ("3", .seconds, 3000), ("30d", .seconds, 2_592_000_000),
        ("5m", .seconds, 300_000), ("10 s", .days, 10_000), ("250ms", .seconds, 250), ("2h", .seconds, 7_200_000),
        ("1w", .seconds, 604_800_000),
    ]) func spanOfTimeIsRead(text: String, unit: SettingKind.TimeUnit, milliseconds: Int) {
        #expect(SettingKind.milliseconds(text, plainUnit: unit) == milliseconds)
    }

    @Test(arguments: ["", "d", "-5s", "5 years", "1h30m", "9223372036854775807d"])
    func nonsenseIsNoSpanOfTime(_ text: String) {
        #expect(SettingKind.milliseconds(text, plainUnit: .seconds) == nil)
    }

    @Test(arguments: [
        ("YES", true), ("on", true), ("True", true), ("1", true), ("No", false), ("off", false), ("0", false),
    ])
    func booleanIsReadAsConfigparserDoes(text: String, value: Bool) {
        #expect(SettingKind.boolean(text) == value)
        #expect(SettingKind.boolean(text + "!") == nil)
    }

    @Test(arguments: [
        ("CRITICAL", 50), ("error", 40), ("Warning", 30), ("SUCCESS", 25), ("25", 25), ("info", 20), ("DEBUG", 10),
        ("5", 5), ("trace", 5),
    ]) func logLevelIsReadByNameAndNumber(text: String, number: Int) throws {
        #expect(try SettingKind.logLevel.parse(text, folder: "/") == .integer(number))
        #expect(throws: SettingValueError.self) { try SettingKind.logLevel.parse(text + "x", folder: "/") }
    }

    @Test func rangesIncludeTheirEndsOnly() throws {
        let kind = SettingKind.integer(1...10)

        #expect(try kind.parse("1", folder: "/") == .integer(1))
        #expect(try kind.parse("10", folder: "/") == .integer(10))
        for text in ["0", "11", "", "1.0", "9999999999999999999999"] {
            #expect(throws: SettingValueError.self) { try kind.parse(text, folder: "/") }
        }
    }

    @Test func durationAtTheEndOfItsRangeIsTaken() throws {
        let kind = SettingKind.duration(.seconds, 60...120)

        #expect(try kind.parse("2m", folder: "/") == .duration(.seconds(120)))
        #expect(throws: SettingValueError.self) { try kind.parse("120001ms", folder: "/") }
        #expect(throws: SettingValueError.self) { try kind.parse("59s", folder: "/") }
    }

    @Test func relativePathCountsFromTheFolder() throws {
        #expect(try SettingKind.path.parse("log", folder: "/srv/chat") == .path("/srv/chat/log"))
        #expect(try SettingKind.path.parse("./log", folder: "/") == .path("/log"))
        #expect(try SettingKind.path.parse("/var/log", folder: "/srv/chat") == .path("/var/log"))
        #expect(throws: SettingValueError.self) { try SettingKind.path.parse("a\nb", folder: "/") }
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("chat.example", "chat.example"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ])
    func hostIsRead(text: String, host: String) throws {
        #expect(try SettingKind.host.parse(text, folder: "/") == .text(host))
    }

    @Test(arguments: ["", "a b", "a/b", "http://x", "ä", "a\n"]) func nonsenseIsNoHost(_ text: String) {
        #expect(throws: SettingValueError.self) { try SettingKind.host.parse(text, folder: "/") }
    }

    @Test func versionsCompareByNumbers() throws {
        let older = try #require(ProtocolVersion("1.9"))
        let newer = try #require(ProtocolVersion("1.10"))

        #expect(older < newer)
        #expect(ProtocolVersion("2")?.description == "2.0")
        for text in ["", "1.", ".1", "1.0.0", "1.x", "-1.0", "99999.0"] { #expect(ProtocolVersion(text) == nil) }
    }

    @Test func commentBehindAValueIsNamedAsTheMistake() {
        let error = #expect(throws: SettingValueError.self) {
            try SettingKind.integer(0...9).parse("8 ; the port", folder: "/")
        }

        #expect(error?.remedy.contains("Comments need a line of their own.") == true)
    }

    @Test func suggestionIsTheNearestWordOrNone() {
        let words = ["PORT", "HOST", "EXPIRATION_DATE"]

        #expect(SpellingSuggestion.nearest(to: "prot", among: words) == "PORT")
        #expect(SpellingSuggestion.nearest(to: "EXPIRATON_DAT", among: words) == "EXPIRATION_DATE")
        #expect(SpellingSuggestion.nearest(to: "COLOUR", among: words) == nil)
        #expect(SpellingSuggestion.nearest(to: "", among: words) == nil)
    }
}
