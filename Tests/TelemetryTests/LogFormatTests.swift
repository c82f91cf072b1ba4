// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

struct LogLevelTests {
    @Test(arguments: [
        ("50", LogLevel.critical), ("40", .error), ("30", .warning), ("25", .success), ("20", .info), ("10", .debug),
        ("5", .trace), ("0", .trace), ("7", .debug), ("21", .success), ("41", .critical), ("critical", .critical),
        ("ERROR", .error), ("Warning", .warning), ("warn", .warning), ("success", .success), ("notice", .success),
        ("info", .info), ("debug", .debug), ("trace", .trace),
    ])
    func numbersAndNamesAreUnderstood(text: String, level: LogLevel) {
        #expect(LogLevel(text) == level)
    }

    @Test(arguments: ["", "51", "-1", "loud", "20.0", "99999999999999999999"])
    func anythingElseIsNone(_ text: String) {
        #expect(LogLevel(text) == nil)
    }

    @Test(arguments: LogLevel.allCases) func levelsMapOneToOneToThoseOfLoggers(_ level: LogLevel) {
        #expect(LogLevel(level.loggerLevel) == level)
        #expect(LogLevel(level.name) == level)
        #expect(LogLevel(String(level.rawValue)) == level)
    }
}

struct LogTimeFormatTests {
    /// Sunday 2026-03-01 00:04:05.060789 UTC.
    static let moment = LogTime(seconds: 1_772_323_445, nanoseconds: 60_789_123)

    /// Results of loguru 0.7: `f'{datetime(2026, 3, 1, 0, 4, 5, 60789, tzinfo=timezone.utc):…}'` with its own datetime.
    @Test(arguments: [
        ("DD.MM.YYYY HH:mm:ss", "01.03.2026 00:04:05"), (" DD/MM/YY HH:mm:ss", " 01/03/26 00:04:05"),
        ("YYYY-MM-DD HH:mm:ss.SSS", "2026-03-01 00:04:05.060"), ("", "2026-03-01T00:04:05.060789+0000"),
        ("D/M/YY h:m:s A", "1/3/26 12:4:5 AM"), ("hh:mm A", "12:04 AM"), ("dddd ddd d E", "Sunday Sun 6 7"),
        ("MMMM MMM DDDD DDD Q", "March Mar 060 60 1"), ("S SS SSS SSSS SSSSS SSSSSS", "0 06 060 0607 06078 060789"),
        ("Z ZZ zz X", "+00:00 +0000 UTC 1772323445"), ("[YYYY] [at] [] [HH]:HH", "YYYY [at]  HH:00"),
        ("HHH YYYYY MMMMM dd", "000 2026Y March3 66"),
        ("%Y/%m/%d %H:%M:%S.%f %%f %j", "2026/03/01 00:04:05.060789 %f 060"), ("YYYY !UTC", "2026 "), ("[MM", "[03"),
        ("ключ HH", "ключ 00"),
    ])
    func equalsLoguru(format: String, expected: String) {
        var findings: [String] = []
        let text = LogTimeFormat(format, findings: &findings).text(CalendarTime(Self.moment, isUTC: true))

        // loguru names the zone UTC, the C library GMT.
        #expect(text.replacing("GMT", with: "UTC") == expected)
        #expect(findings.isEmpty)
    }

    @Test func moreThanSixDigitsAreAFinding() {
        var findings: [String] = []
        let text = LogTimeFormat("SSSSSSSSS", findings: &findings).text(CalendarTime(Self.moment, isUTC: true))

        #expect(text == "060789")
        #expect(findings.count == 1)
    }
}

struct LogFormatTemplateTests {
    static func record(_ message: String = "hello", level: LogLevel = .info) -> LogRecord {
        LogRecord(
            time: LogTimeFormatTests.moment, level: level, label: "parley.test", message: message, metadata: [:],
            source: "Transport", file: "Transport/Listener.swift", function: "start()", line: 42)
    }

    static func render(
        _ template: String, _ record: LogRecord = record(), colours: Bool = false
    ) -> (text: String, findings: [String]) {
        let template = LogFormatTemplate(template)
        var calendar = LogCalendar(alwaysUTC: true)
        var line: [UInt8] = []
        template.append(record, calendar: &calendar, colours: colours, to: &line)
        return (String(decoding: line, as: UTF8.self), template.findings)
    }

    @Test(arguments: [
        ("{level}|{module}|{function}|{line}|{message}", "INFO|Transport.Listener|start()|42|hello"),
        ("{name} {file} {level.no} {level.name} {message!s}", "parley.test Listener.swift 20 INFO hello"),
        ("[{time:DD.MM.YYYY HH:mm:ss}] {message}", "[01.03.2026 00:04:05] hello"),
        ("{{{message}}} {{}}", "{hello} {}"), ("", ""), ("без полей", "без полей"),
        // Results of Python's str.format for 'INFO' and 42.
        ("{level: <8}|{line: <8}", "INFO    |42      "), ("{level: >3}|{line: >3}", "INFO| 42"),
        ("{level:^9}|{line:^9}", "  INFO   |   42    "), ("{level:*^9}|{line:*^9}", "**INFO***|***42****"),
        ("{level:8}|{line:8}", "INFO    |      42"), ("{level:.2}", "IN"), ("{level:06}|{line:06}", "INFO00|000042"),
        ("{level:x>6.3}", "xxxINF"), ("{level:<4s}|{line:d}", "INFO|42"),
    ])
    func fieldsAreFilledIn(template: String, expected: String) {
        let (text, findings) = Self.render(template)

        #expect(text == expected)
        #expect(findings.isEmpty)
    }

    /// Results of loguru 0.7: `Colorizer.prepare_format(…).colorize('\x1b[1m')` and `.strip()`.
    @Test(arguments: [
        (
            "[<b>{time: DD/MM/YY HH:mm:ss}</>]  [<g>{level}</>]  {message}",
            "[\u{1B}[1m 01/03/26 00:04:05\u{1B}[0m]  [\u{1B}[32mINFO\u{1B}[0m]  hello",
            "[ 01/03/26 00:04:05]  [INFO]  hello"
        ),
        ("<r>a<b>b</b>c</r>d", "\u{1B}[31ma\u{1B}[1mb\u{1B}[0m\u{1B}[31mc\u{1B}[0md", "abcd"),
        (
            "<level>{level: <8}</level>|<RED><lvl>x</></>",
            "\u{1B}[1mINFO    \u{1B}[0m|\u{1B}[41m\u{1B}[1mx\u{1B}[0m\u{1B}[41m\u{1B}[0m", "INFO    |x"
        ),
        (#"\<b> \\<b>x</b> a<b c> <"#, "<b> \\\u{1B}[1mx\u{1B}[0m a<b c> <", #"<b> \x a<b c> <"#),
        (
            "<fg red>1</fg red><bg 200>2</><fg #00ff88>4</><bg "
                + "1,2,3>5</><lg>6</><light-blue>7</><LC>8</><LIGHT-RED>9</>",
            "\u{1B}[31m1\u{1B}[0m\u{1B}[48;5;200m2\u{1B}[0m\u{1B}[38;2;0;255;136m4\u{1B}[0m\u{1B}[48;2;1;2;3m5\u{1B}[0m"
                + "\u{1B}[92m6\u{1B}[0m\u{1B}[94m7\u{1B}[0m\u{1B}[106m8\u{1B}[0m\u{1B}[101m9\u{1B}[0m",
            "12456789"
        ),
        ("{{<b>{message}</b>}}", "{\u{1B}[1mhello\u{1B}[0m}", "{hello}"),
    ])
    func coloursEqualLoguru(template: String, coloured: String, plain: String) {
        #expect(Self.render(template, colours: true).text == coloured)
        #expect(Self.render(template).text == plain)
        #expect(Self.render(template).findings.isEmpty)
    }

    @Test(arguments: [
        ("{elapsed} {message}", "{elapsed} hello"), ("{extra[user]}", "{extra[user]}"), ("{", "{"), ("a}b", "a}b"),
        ("{message", "{message"), ("<pink>{message}</pink>", "<pink>hello</pink>"), ("{message}</b>", "hello</b>"),
        ("<b><r>x</b></r></b>", "x</b>"), ("{level:wide}", "INFO"), ("{level:>999999999999}", "INFO"),
        ("<b>{message}", "hello"), ("{}", "{}"), ("{level: <100000}", "INFO"),
    ])
    func whatIsNotUnderstoodIsPrintedWithAFinding(template: String, expected: String) {
        let (text, findings) = Self.render(template)

        #expect(text == expected)
        #expect(!findings.isEmpty)
    }

    @Test func unclosedColourEndsWithTheLine() {
        #expect(Self.render("<r>{message}", colours: true).text == "\u{1B}[31mhello\u{1B}[0m")
    }

    @Test func templateOfManyBytesIsCut() {
        let (text, findings) = Self.render(String(repeating: "a", count: 10_000))

        #expect(text.utf8.count == 4096)
        #expect(!findings.isEmpty)
    }

    @Test func noFieldCanEndTheLineOrReachTheTerminal() {
        var record = Self.record("a\nb\r\u{1B}[31m\u{0}\u{7F}\u{85}\u{202E}\u{2028}\tключ")
        record.function = "f\n()"
        record.label = "l\n"

        let text = Self.render("{message}{function}{name}\n", record).text

        #expect(text == #"a\nb\r\x1b[31m\x00\x7f\x85\u202e\u2028\tключf\n()l\n\n"#)
    }

    @Test func shippedTemplatesHaveNoFindings() {
        let configuration = LogConfiguration()

        for template in [configuration.errorTemplate, configuration.debugTemplate, configuration.infoTemplate] {
            #expect(template.findings.isEmpty)
        }
    }
}
