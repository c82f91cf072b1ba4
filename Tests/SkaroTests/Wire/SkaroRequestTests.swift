// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Skaro
import TestSupport
import Testing

/// A request, its frame, and what each of its fields may be.
struct SkaroRequestExample: Sendable, CustomTestStringConvertible {
    var call: SkaroCall
    var frame: CBORValue
    var required: [String] = []
    var optional: [String] = []

    var testDescription: String { call.method.rawValue }

    /// Every request with every field.
    static let all = [
        SkaroRequestExample(call: .registerType, frame: ["type": "register_type"]),
        SkaroRequestExample(
            call: .register(
                SkaroRegistration(
                    login: "alice", password: "correct horse", name: "Alice", email: "alice@example.org", invite: "k3y")
            ),
            frame: [
                "type": "register", "login": "alice", "password": "correct horse", "name": "Alice",
                "email": "alice@example.org", "invite": "k3y",
            ], required: ["login", "password"], optional: ["name", "email", "invite"]),
        SkaroRequestExample(
            call: .authorize(login: "alice", proof: "1dbd"),
            frame: ["type": "authorize", "login": "alice", "password": "1dbd"], required: ["login", "password"]),
        SkaroRequestExample(
            call: .sessionRestore(sid: "5f0c"), frame: ["type": "session_restore", "sid": "5f0c"], required: ["sid"]),
        SkaroRequestExample(call: .getContacts, frame: ["type": "get_contacts"]),
        SkaroRequestExample(
            call: .addContact(login: "bob"), frame: ["type": "add_contact", "login": "bob"], required: ["login"]),
        SkaroRequestExample(
            call: .deleteContact(login: "bob"), frame: ["type": "del_contact", "login": "bob"], required: ["login"]),
        SkaroRequestExample(
            call: .searchContacts(query: "bo"), frame: ["type": "search_contacts", "query": "bo"], required: ["query"]),
        SkaroRequestExample(
            call: .getUserData(login: "bob"), frame: ["type": "get_user_data", "login": "bob"], required: ["login"]),
        SkaroRequestExample(
            call: .updateMyData(SkaroProfile(name: "A", bio: "", email: "a@example.org", avatar: "iVBORw0KGgo")),
            frame: [
                "type": "update_my_data", "name": "A", "bio": "", "email": "a@example.org", "avatar": "iVBORw0KGgo",
            ],
            optional: ["name", "bio", "email", "avatar"]),
        SkaroRequestExample(
            call: .getHistory(dialog: "bob", before: .message("2204"), limit: 50),
            frame: ["type": "get_history", "login": "bob", "before": "2204", "limit": 50], required: ["login"],
            optional: ["before", "limit"]),
        SkaroRequestExample(
            call: .sendMessage(to: "bob", body: "Gr\u{FC}\u{DF}e \u{1F642}"),
            frame: [
                "type": "send_message", "to": "bob",
                "body": "Gr\u{FC}\u{DF}e \u{1F642}",
            ], required: ["to", "body"]),
    ]
}

@Suite struct SkaroRequestTests {
    private func decoded(_ frame: CBORValue) throws(SkaroFrameError) -> SkaroRequest {
        try SkaroRequest(decoding: frame.encoded())
    }

    private func refusal(of frame: CBORValue) throws -> SkaroRefusal? {
        let request = try decoded(frame)
        do throws(SkaroRefusal) {
            _ = try request.call()
            return nil
        } catch {
            return error
        }
    }

    private func frameError(of frame: [UInt8]) -> SkaroFrameError? {
        do throws(SkaroFrameError) {
            _ = try SkaroRequest(decoding: frame)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Success

    @Test func everyMethodHasAnExample() {
        #expect(SkaroRequestExample.all.map(\.call.method) == SkaroMethod.allCases)
    }

    @Test(arguments: SkaroRequestExample.all) func requestIsDecoded(example: SkaroRequestExample) throws {
        let request = try decoded(example.frame.setting("on_request", 7))

        #expect(request.type == example.call.method.rawValue)
        #expect(request.method == example.call.method)
        #expect(request.id == 7)
        #expect(try request.call() == example.call)
    }

    @Test(arguments: SkaroRequestExample.all) func requestIsEncodedAsItIsDecoded(example: SkaroRequestExample) throws {
        #expect(
            try CBORValue(decoding: example.call.encoded(id: 300)) == example.frame.setting("on_request", 300))
    }

    /// Frames as the public client library writes them.
    @Test(
        arguments: [
            ("a264747970656d72656769737465725f747970656a6f6e5f7265717565737401", .registerType, 1),
            (
                "a364747970656f73657373696f6e5f726573746f72656373696464356630636a6f6e5f7265717565737402",
                .sessionRestore(sid: "5f0c"), 2
            ),
            ("a264747970656c6765745f636f6e74616374736a6f6e5f7265717565737403", .getContacts, 3),
            (
                "a364747970656b6765745f686973746f7279656c6f67696e63626f626a6f6e5f7265717565737419012c",
                .getHistory(dialog: "bob", before: nil, limit: nil), 300
            ),
            (
                "a464747970656c73656e645f6d65737361676562746f63626f6264626f64796c4772c3bcc39f6520f09f9982"
                    + "6a6f6e5f726571756573741a00011170",
                .sendMessage(to: "bob", body: "Gr\u{FC}\u{DF}e \u{1F642}"), 70000
            ),
            (
                "a4656c6f67696e65616c6963656870617373776f72646431646264647479706569617574686f72697a65"
                    + "6a6f6e5f7265717565737401",
                .authorize(login: "alice", proof: "1dbd"), 1
            ),
        ] as [(String, SkaroCall, CBORValue)])
    func frameOfThePublicClientIsUnderstood(hex: String, call: SkaroCall, id: CBORValue) throws {
        let request = try SkaroRequest(decoding: [UInt8](hex: hex))

        #expect(try request.call() == call)
        #expect(request.id == id)
    }

    @Test(
        arguments: [
            1, -1, .unsigned(.max), "text", .bytes([1, 2]), [1, [2]], ["a": ["b": .null]], .tag(1, 2), .simple(7), true,
            .null, .undefined, .half(1.5), .double(1.5), .double(.nan),
        ] as [CBORValue])
    func idIsAnyValue(id: CBORValue) throws {
        let request = try decoded(["type": "get_contacts", "on_request": id])

        #expect(request.id == id)
        let answer = SkaroResponse(to: request, .contacts([]))
        #expect(try CBORValue(decoding: answer.encoded())["id"] == id)
    }

    @Test func idThatIsMissingIsNull() throws {
        #expect(try decoded(["type": "get_contacts"]).id == .null)
    }

    @Test(arguments: SkaroRequestExample.all) func unknownFieldIsIgnored(example: SkaroRequestExample) throws {
        let frame = example.frame.setting("new", ["a": [1]]).setting("marker", 5)

        #expect(try decoded(.map((frame.map ?? []) + [CBORPair("", 6)])).call() == example.call)
    }

    @Test(
        arguments: [
            (1_763_690_001, .time(1_763_690_001)), (0, .time(0)), (-5, .time(-5)), (.unsigned(.max), .time(.max)),
            (.negative(.max), .time(.min)), ("2204", .message("2204")), ("", .message("")),
        ] as [(CBORValue, SkaroHistoryBound)])
    func historyEndsAtAMessageOrATime(before: CBORValue, bound: SkaroHistoryBound) throws {
        let request = try decoded(["type": "get_history", "login": "bob", "before": before])

        #expect(try request.call() == .getHistory(dialog: "bob", before: bound, limit: nil))
    }

    @Test func hugeLimitIsTheLargest() throws {
        let request = try decoded(["type": "get_history", "login": "bob", "limit": .unsigned(.max)])

        #expect(try request.call() == .getHistory(dialog: "bob", before: nil, limit: .max))
    }

    // MARK: Wrong fields

    @Test(arguments: SkaroRequestExample.all) func missingFieldIsNamed(example: SkaroRequestExample) throws {
        for name in example.required {
            let missing = SkaroRefusal(.badRequest, "\(name) is missing: it must be a text.")

            #expect(try refusal(of: example.frame.removing(name)) == missing)
            #expect(try refusal(of: example.frame.setting(name, .null)) == missing)
        }
    }

    @Test(arguments: SkaroRequestExample.all) func optionalFieldMayBeMissing(example: SkaroRequestExample) throws {
        for name in example.optional {
            #expect(try refusal(of: example.frame.removing(name)) == nil)
            #expect(try refusal(of: example.frame.setting(name, .null)) == nil)
        }
    }

    @Test(arguments: SkaroRequestExample.all) func wrongTypeIsNamed(example: SkaroRequestExample) throws {
        let wrong: [CBORValue] = [
            .bytes([0x61]), ["a"], ["a": "b"], .tag(0, "a"), .simple(1), true, .undefined, .half(1), .double(2),
        ]

        for name in example.required + example.optional {
            for value in wrong {
                let info = try refusal(of: example.frame.setting(name, value))?.info

                #expect(info?.hasPrefix("\(name) must be ") == true)
                #expect(info?.hasSuffix(", not \(value.kind).") == true)
            }
            let number = try refusal(of: example.frame.setting(name, 5))
            #expect((number == nil) == ["before", "limit"].contains(name), "\(name)")
            #expect(number.map { $0.status == .badRequest } ?? true)
        }
    }

    @Test(arguments: [0, -1, .negative(.max)] as [CBORValue]) func limitBelowOneIsRefused(limit: CBORValue) throws {
        #expect(
            try refusal(of: ["type": "get_history", "login": "bob", "limit": limit])
                == SkaroRefusal(.badRequest, "limit must be 1 or more."))
    }

    @Test func limitIsNoText() throws {
        #expect(
            try refusal(of: ["type": "get_history", "login": "bob", "limit": "5"])
                == SkaroRefusal(.badRequest, "limit must be an integer, not a text."))
    }

    @Test func changeOfNothingIsRefused() throws {
        #expect(try refusal(of: ["type": "update_my_data"])?.status == .badRequest)
        #expect(try refusal(of: ["type": "update_my_data", "login": "x", "name": .null])?.status == .badRequest)
        #expect(try refusal(of: ["type": "update_my_data", "bio": ""]) == nil)
    }

    @Test(arguments: ["", "request", "Authorize", "get_contacts ", "show_message", "check_connection"])
    func unknownTypeIsRefusedAndEchoed(type: String) throws {
        let request = try decoded(["type": .text(type), "on_request": 9])

        #expect(request.method == nil)
        #expect(throws: SkaroRefusal.unknownMethod) { try request.call() }
        let answer = try CBORValue(decoding: SkaroResponse(to: request, refused: .unknownMethod).encoded())
        #expect(answer["for"] == .text(type))
        #expect(answer["id"] == 9)
        #expect(answer["status"] == "405 Method Not Allowed")
    }

    @Test func onlyFourRequestsComeBeforeTheLogIn() {
        #expect(
            SkaroMethod.allCases.filter { !$0.needsAuthorization }
                == [.registerType, .register, .authorize, .sessionRestore])
    }

    // MARK: Wrong frames

    @Test(
        arguments: [
            (1, "an integer"), (-1, "an integer"), ("register_type", "a text"), (.bytes([]), "a byte string"),
            (["type", "get_contacts"], "an array"), (.tag(55799, ["type": "get_contacts"]), "a tagged value"),
            (.null, "null"), (true, "a boolean"), (.undefined, "undefined"), (.double(1), "a float"),
        ] as [(CBORValue, String)])
    func frameThatIsNoMapIsRefused(frame: CBORValue, kind: String) {
        #expect(frameError(of: frame.encoded()) == .notAMap(kind: kind))
    }

    @Test(
        arguments: [
            [:], ["on_request": 1], ["type": 1], ["type": .null], ["type": .bytes([0x61])], ["type": ["a"]],
            ["Type": "get_contacts"], ["t\u{FF59}pe": "get_contacts"],
        ] as [CBORValue])
    func frameWithoutATypeIsRefused(frame: CBORValue) {
        #expect(frameError(of: frame.encoded()) == .noType)
    }

    @Test func frameThatIsNotCBORIsRefused() {
        #expect(frameError(of: []) == .notCBOR(CBORError(.empty, at: 0)))
        #expect(frameError(of: Array(#"{"type":"get_contacts"}"#.utf8))?.description.hasPrefix("The frame") == true)
        #expect(frameError(of: [0xA0, 0xA0]) == .notCBOR(CBORError(.trailing, at: 1)))
        #expect(frameError(of: [UInt8](hex: "a14474797065656161")) == .notCBOR(CBORError(.nonTextKey, at: 1)))
        #expect(
            frameError(of: [UInt8](hex: "a264747970656161647479706561ff"))
                == .notCBOR(CBORError(.duplicateKey, at: 8)))
    }

    @Test func limitsAreKept() {
        let frame = (["type": "get_contacts", "on_request": [[[1]]]] as CBORValue).encoded()
        let short = CBORLimits(bytes: frame.count - 1, depth: 32, items: 100)
        let flat = CBORLimits(bytes: frame.count, depth: 3, items: 100)

        #expect(throws: SkaroFrameError.notCBOR(CBORError(.tooLong, at: frame.count - 1))) {
            try SkaroRequest(decoding: frame, limits: short)
        }
        #expect(throws: SkaroFrameError.self) { try SkaroRequest(decoding: frame, limits: flat) }
        #expect(frameError(of: frame) == nil)
    }

    @Test(arguments: SkaroRequestExample.all) func everyTruncationIsRefused(example: SkaroRequestExample) {
        let frame = example.call.encoded(id: ["a", 1])

        for length in frame.indices {
            #expect(frameError(of: Array(frame[..<length])) != nil, "the first \(length) bytes")
        }
    }

    @Test(arguments: SkaroRequestExample.all) func changedBytesNeverCrash(example: SkaroRequestExample) {
        var random = SeededGenerator(seed: UInt64(example.frame.encoded().count))
        let original = example.call.encoded(id: ["a", 1, .float(0.5)])
        var refused = 0

        for _ in 0..<2000 {
            var frame = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                frame[Int.random(in: frame.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let request = try? SkaroRequest(decoding: frame), (try? request.call()) != nil else {
                refused += 1
                continue
            }
            #expect(request.method != nil)
        }

        #expect(refused > 0)
    }

    @Test(arguments: 0..<4) func randomBytesNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)

        for _ in 0..<5000 {
            let frame = (0..<Int.random(in: 0...64, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Without a map that says "type" it cannot be a request.
            #expect(frameError(of: frame) != nil, "\(frame.hex)")
        }
    }

    // MARK: Secrets

    @Test(arguments: SkaroRequestExample.all) func descriptionHoldsNoField(example: SkaroRequestExample) throws {
        let request = try decoded(example.frame)

        for text in [
            "\(request)", String(reflecting: request), "\(example.call)", String(reflecting: example.call),
        ] {
            #expect(text == example.call.method.rawValue)
        }
        #expect("\(SkaroRegistration(login: "alice", password: "correct horse"))" == "a registration")
    }
}
