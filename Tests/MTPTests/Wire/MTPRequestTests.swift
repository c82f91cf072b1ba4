// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import MTP
import NIOCore
import Testing

@Suite struct MTPRequestTests {
    private static let alice: MTPIdentifier = "227451230498120349812034981203498"
    private static let token: JSONText = "5f0c2a9be1d74c3c8a6b90e2d3f41c77"
    private static let flow: MTPIdentifier = "118330044983029387201922384756100"

    private func decoded(_ text: String) throws(MTPDecodeError) -> MTPRequest {
        try MTPRequest(decoding: ByteBuffer(string: text))
    }

    /// Why a frame with these members of `data` is refused; `nil` if it is taken.
    private func refusal(data: String) -> String? {
        refusal(#"{"type":"ping_pong","data":\#(data),"jsonapi":{"version":"1.0"}}"#)
    }

    private func refusal(_ text: String) -> String? {
        do {
            _ = try decoded(text)
            return nil
        } catch {
            return error.detail
        }
    }

    // spec: MTP, the table of methods
    @Test(arguments: MTPMethod.allCases)
    func thePublishedExampleOfEveryMethodIsUnderstood(method: MTPMethod) throws {
        let request = try MTPRequest(decoding: ByteBuffer(bytes: Fixture.bytes("requests/\(method.rawValue).json")))

        #expect(request.method == method)
        #expect(request.version == "1.0")
        #expect(request.revision == "17")
        #expect(request.meta == nil)
        let principal = UserObject(uuid: Self.alice, authID: Self.token)
        let expected: MTPData =
            switch method {
            case .registerUser:
                MTPData(user: [
                    UserObject(
                        login: "alice", username: "Alice", password: "c2f6b1e0a9", email: "alice@example.org")
                ])
            case .authentication: MTPData(user: [UserObject(login: "alice", password: "c2f6b1e0a9")])
            case .getUpdate:
                MTPData(
                    time: 1_594_492_370, user: [UserObject(uuid: Self.alice, authID: Self.token, tokenTTL: 6000)])
            case .sendMessage:
                MTPData(
                    flow: [FlowObject(uuid: Self.flow)],
                    message: [
                        MessageObject(
                            clientID: 1234, text: "Good morning!", filePicture: "cGljdHVyZQ==", fileVideo: "dmlkZW8=",
                            fileAudio: "YXVkaW8=", fileDocument: "ZG9jdW1lbnQ=", emoji: "ZW1vamk=")
                    ], user: [principal])
            case .allMessages:
                MTPData(
                    time: 1_594_492_370, flow: [FlowObject(uuid: Self.flow, messageStart: 0, messageEnd: 99)],
                    user: [principal])
            case .addFlow:
                MTPData(
                    flow: [
                        FlowObject(
                            type: "chat", title: "Two of us", info: "Alice and Bob", owner: Self.alice,
                            users: [Self.alice, "99120349812034981203498120349812"])
                    ], user: [principal])
            case .allFlow, .pingPong: MTPData(user: [principal])
            case .userInfo:
                MTPData(user: [
                    principal, UserObject(uuid: "99120349812034981203498120349812"), UserObject(uuid: "4711"),
                ])
            case .deleteUser:
                MTPData(user: [
                    UserObject(uuid: Self.alice, login: "alice", password: "c2f6b1e0a9", authID: Self.token)
                ])
            case .deleteMessage:
                MTPData(
                    flow: [FlowObject(uuid: Self.flow)], message: [MessageObject(uuid: "858585", clientID: 123)],
                    user: [principal])
            case .editedMessage:
                MTPData(
                    message: [MessageObject(uuid: "858585", clientID: 123, text: "Good evening!")], user: [principal])
            }
        #expect(request.data == expected)
        #expect(request.principal == expected.user?.first)
    }

    @Test(arguments: MTPMethod.allCases)
    func whatAClientEncodesIsDecodedAsTheSame(method: MTPMethod) throws {
        var request = try MTPRequest(decoding: ByteBuffer(bytes: Fixture.bytes("requests/\(method.rawValue).json")))
        request.meta = MTPMeta(push: true, since: MTPCursor(position: 7).text)

        #expect(try MTPRequest(decoding: ByteBuffer(bytes: request.encoded())) == request)
    }

    @Test func onlyRegistrationAndLogInNeedNoToken() {
        #expect(MTPMethod.allCases.filter { !$0.needsAuthorization } == [.registerUser, .authentication])
    }

    @Test func anUnknownMethodIsNoDecodeError() throws {
        let request = try decoded(#"{"type":"get_rich","jsonapi":{"version":"one"}}"#)

        #expect(request.method == nil)
        #expect(request.type == "get_rich")
        #expect(MTPVersion(request.version) == nil)
        #expect(try decoded(#"{"type":"error","jsonapi":{"version":"1.0"}}"#).method == nil)
    }

    @Test(arguments: [
        #"{"type":"t","jsonapi":{"version":"1.0"}}"#,
        #"{"type":"t","jsonapi":{"version":"1.0","revision":null},"data":null,"meta":null,"errors":null}"#,
        #"{"type":"t","jsonapi":{"version":"1.0"},"data":{}}"#,
        #"{"type":"t","jsonapi":{"version":"1.0"},"data":{"time":null,"flow":null,"message":null,"user":null,"x":[]}}"#,
        #"{"type":"t","jsonapi":{"version":"1.0"},"meta":"reserved","data":{"meta":[1]},"unknown":{"a":1}}"#,
    ])
    func whatIsMissingOrNullIsAbsent(frame: String) throws {
        let request = try decoded(frame)

        #expect(request.data == MTPData())
        #expect(request.meta == nil)
        #expect(request.principal == nil)
    }

    @Test func emptyListsAndNullMembersAreNoDecodeErrors() throws {
        let data = #"{"flow":[],"message":[{"text":null,"file_picture":null}],"user":[{"uuid":null,"x":1}]}"#
        let request = try decoded(#"{"type":"t","jsonapi":{"version":"1.0"},"data":\#(data)}"#)

        #expect(request.data == MTPData(flow: [], message: [MessageObject()], user: [UserObject()]))
    }

    @Test(arguments: [
        ("{}", MTPMeta()), (#"{"push":true}"#, MTPMeta(push: true)), (#"{"since":"abc"}"#, MTPMeta(since: "abc")),
        (#"{"push":false,"since":null,"x":1}"#, MTPMeta(push: false)),
    ])
    func metaIsReadWhereItIsAnObject(meta: String, expected: MTPMeta) throws {
        #expect(try decoded(#"{"type":"t","jsonapi":{"version":"1.0"},"meta":\#(meta)}"#).meta == expected)
    }

    // COMPAT: early clients sent short identifiers as integers.
    @Test func identifiersMayBeNonNegativeIntegers() throws {
        let data = #"{"user":[{"uuid":4711}],"flow":[{"uuid":0,"users":[1,"2"],"owner":3}],"message":[{"uuid":9}]}"#
        let request = try decoded(#"{"type":"t","jsonapi":{"version":"1.0","revision":17},"data":\#(data)}"#)

        #expect(request.revision == "17")
        #expect(request.data.user?.first?.uuid == "4711")
        #expect(request.data.flow == [FlowObject(uuid: "0", owner: "3", users: ["1", "2"])])
        #expect(request.data.message?.first?.uuid == "9")
        #expect(refusal(data: #"{"user":[{"uuid":-1}]}"#) == "data.user[0].uuid must be a string, not an integer")
    }

    // COMPAT: what the published server made of a member of another type.
    @Test(arguments: [
        ("1", "1", "1"), ("1.0", "1.0", "1.0"), ("1.9", "1.9", "1.9"), (#""1""#, "1", "1"), ("-7", "-7", "-7"),
        ("1e2", "100.0", "100.0"),
    ])
    func numbersCountAsText(value: String, text: String, version: String) throws {
        let data = #"{"user":[{"login":\#(value)}],"flow":[{"title":\#(value)}],"message":[{"text":\#(value)}]}"#
        let request = try decoded(#"{"type":\#(value),"jsonapi":{"version":\#(value)},"data":\#(data)}"#)

        #expect(request.type == text)
        #expect(request.version == version)
        #expect(request.data.user?.first?.login == text)
        #expect(request.data.flow?.first?.title == text)
        #expect(request.data.message?.first?.text?.string == text)
    }

    @Test(
        arguments: [
            (#""5""#, 5), (#"" +12\n""#, 12), (#""-3""#, -3), ("1763690000.75", 1_763_690_000), ("-1.5", -1),
            ("2.0", 2),
            (#""9223372036854775807""#, Int64.max),
        ] as [(String, Int64)])
    func numbersMayBeInStringsAndLoseTheirFraction(value: String, number: Int64) throws {
        let data = #"{"time":\#(value),"message":[{"client_id":\#(value)}],"flow":[{"message_start":\#(value)}]}"#
        let request = try decoded(#"{"type":"t","jsonapi":{"version":"1.0"},"data":\#(data)}"#)

        #expect(request.data.time == number)
        #expect(request.data.message?.first?.clientID == number)
        #expect(request.data.flow?.first?.messageStart == number)
    }

    @Test(arguments: [
        #""""#, #""1 2""#, #""0x10""#, #""1.5""#, #""9223372036854775808""#, #""１""#,
        #""000000000000000000000000000000001""#,
    ])
    func whatIsNoNumberStaysNone(value: String) {
        #expect(refusal(data: #"{"time":\#(value)}"#) == "data.time must be an integer, not a string")
    }

    @Test(arguments: [
        ("1", true), ("0", false), (#""yes""#, true), (#""OFF""#, false), (#"" true ""#, true), (#""n""#, false),
    ])
    func truthMayBeANumberOrAWord(value: String, truth: Bool) throws {
        let data = #"{"user":[{"is_bot":\#(value)}]}"#
        let request = try decoded(#"{"type":"t","jsonapi":{"version":"1.0"},"data":\#(data)}"#)

        #expect(request.data.user?.first?.isBot == truth)
    }

    @Test(arguments: ["", "alice", "alice@", "@example.org", "alice@example", "a b@example.org", "a@b@example.org"])
    func anEmailThatIsNoneIsNamed(email: String) {
        #expect(
            refusal(data: #"{"user":[{},{"email":"\#(email)"}]}"#)
                == "data.user[1].email must be an e-mail address such as alice@example.org")
    }

    /// What is longer than any address is no matter of types: it is refused with 413, as other texts are.
    @Test func anEmailThatIsTooLongIsNotOfTheWrongType() throws {
        let longest = EmailAddress.maximumBytes
        let data = { (count: Int) in #"{"user":[{"email":"\#(String(repeating: "x", count: count))"}]}"# }

        let request = try decoded(#"{"type":"t","jsonapi":{"version":"1.0"},"data":\#(data(longest + 1))}"#)

        #expect(request.data.user?.first?.email?.utf8.count == longest + 1)
        #expect(refusal(data: data(longest)) != nil)
    }

    // spec: MTP, order of checks: not an object, wrong member types
    @Test(arguments: [
        ("", "not a JSON object: the text is empty (at byte 0)"),
        (#"{"type":"#, "not a JSON object: the text ends too early (at byte 8)"),
        (#"{"type":"t","type":"t"}"#, "not a JSON object: an object has the same member twice (at byte 18)"),
        ("[]", "the frame must be a JSON object, not an array"), ("null", "the frame must be a JSON object, not null"),
        (#""ping""#, "the frame must be a JSON object, not a string"),
        ("{}", "type is missing: it must be a string, the name of a method"),
        (#"{"type":null}"#, "type is missing: it must be a string, the name of a method"),
        (#"{"type":true}"#, "type must be a string, not a boolean"),
        (#"{"type":"t"}"#, #"jsonapi.version is missing: it must be a string such as "1.0""#),
        (#"{"type":"t","jsonapi":{}}"#, #"jsonapi.version is missing: it must be a string such as "1.0""#),
        (#"{"type":"t","jsonapi":"1.0"}"#, "jsonapi must be an object, not a string"),
        (#"{"type":"t","jsonapi":{"version":[1]}}"#, "jsonapi.version must be a string, not an array"),
        (#"{"type":"t","jsonapi":{"version":"1","revision":[]}}"#, "jsonapi.revision must be a string, not an array"),
        (#"{"type":"t","jsonapi":{"version":"1"},"data":[]}"#, "data must be an object, not an array"),
        (#"{"type":"t","jsonapi":{"version":"1"},"meta":{"push":2}}"#, "meta.push must be a boolean, not an integer"),
        (#"{"type":"t","jsonapi":{"version":"1"},"meta":{"since":[]}}"#, "meta.since must be a string, not an array"),
    ])
    func aBrokenFrameSaysWhatIsWrong(frame: String, detail: String) {
        #expect(refusal(frame) == detail)
    }

    @Test func everyMemberOfTheWrongTypeIsNamed() {
        let strings = [
            "flow": ["uuid", "type", "title", "info", "owner"],
            "message": [
                "uuid", "text", "from_user", "from_flow", "file_picture", "file_video", "file_audio", "file_document",
                "emoji",
            ],
            "user": ["uuid", "login", "username", "bio", "avatar", "password", "auth_id", "email"],
        ]
        let integers = [
            "flow": ["time", "message_start", "message_end"], "message": ["client_id", "time", "edited_time"],
            "user": ["token_ttl", "time_created"],
        ]
        let booleans = ["flow": [], "message": ["edited_status"], "user": ["is_bot"]]
        for (members, expected, wrong, kind) in [
            (strings, "a string", "{}", "an object"), (strings, "a string", "true", "a boolean"),
            (integers, "an integer", #""five""#, "a string"), (integers, "an integer", "true", "a boolean"),
            (integers, "an integer", "1e300", "a number with a fraction"),
            (booleans, "a boolean", "2", "an integer"), (booleans, "a boolean", #""perhaps""#, "a string"),
        ] {
            for (list, names) in members {
                for name in names {
                    #expect(
                        refusal(data: #"{"\#(list)":[{},{"\#(name)":\#(wrong)}]}"#)
                            == "data.\(list)[1].\(name) must be \(expected), not \(kind)")
                }
            }
        }
        for list in ["flow", "message", "user"] {
            #expect(refusal(data: #"{"\#(list)":{}}"#) == "data.\(list) must be an array of objects, not an object")
            #expect(refusal(data: #"{"\#(list)":[{},null]}"#) == "data.\(list)[1] must be an object, not null")
        }
        #expect(refusal(data: #"{"time":"now"}"#) == "data.time must be an integer, not a string")
        #expect(
            refusal(data: #"{"flow":[{"users":"a"}]}"#)
                == "data.flow[0].users must be an array of strings, not a string")
        #expect(refusal(data: #"{"flow":[{"users":["a",null]}]}"#) == "data.flow[0].users[] must be a string, not null")
    }

    @Test func refusalsDoNotQuoteTheFrame() {
        for frame in [
            #"{"type":"authentication","data":{"user":[{"password":"hunter2"}]}"#,
            #"{"type":"authentication","data":{"user":[{"password":["hunter2"]}]},"jsonapi":{"version":"1.0"}}"#,
            #"{"type":"authentication","data":{"user":"hunter2"},"jsonapi":{"version":"1.0"}}"#,
        ] {
            #expect(refusal(frame)?.contains("hunter2") == false)
        }
    }

    @Test func aLongAttachmentPassesThroughUnchanged() throws {
        let picture = String(repeating: #"iVBORw0KGgo/+="#, count: 200_000)
        let frame =
            #"{"type":"send_message","jsonapi":{"version":"1.0"},"data":{"message":[{"file_picture":"\#(picture)"}]}}"#

        let message = try #require(try decoded(frame).data.message?.first)

        #expect(message.filePicture?.utf8Count == picture.utf8.count)
        #expect(message.filePicture?.string == picture)
    }
}
