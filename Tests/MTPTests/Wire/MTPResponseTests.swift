// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import Testing

@Suite struct MTPResponseTests {
    private static let now: Int64 = 1_594_492_370
    private static let alice: MTPIdentifier = "227451230498120349812034981203498"
    private static let bob: MTPIdentifier = "99120349812034981203498120349812"
    private static let room: MTPIdentifier = "118330044983029387201922384756100"

    private static let flow = FlowObject(
        uuid: room, time: now, type: "chat", title: "Two of us", info: "Alice and Bob", owner: alice,
        users: [alice, bob])
    private static let message = MessageObject(
        uuid: "858585", text: "Good morning, \"Bob\"\n", fromUser: alice, fromFlow: room, time: now,
        filePicture: "cGljdHVyZQ==", fileVideo: "dmlkZW8=", fileAudio: "YXVkaW8=", fileDocument: "ZG9jdW1lbnQ=",
        emoji: "ZW1vamk=", editedTime: now + 1, editedStatus: true)
    private static let user = UserObject(
        uuid: bob, login: "bob", username: "Bob 😀", bio: "Builds", avatar: "YXZhdGFy", isBot: false, timeCreated: now)
    private static let session = UserObject(
        uuid: alice, authID: "5f0c2a9be1d74c3c8a6b90e2d3f41c77", tokenTTL: 2_592_000)

    /// One success of each method, the refusals of the published text, and what is our extension.
    private static let examples: [String: MTPResponse] = [
        "register_user": MTPResponse(
            type: "register_user", .created, time: now, data: MTPData(time: now, user: [session])),
        "register_user_taken": MTPResponse(type: "register_user", .conflict, detail: "The login is taken", time: now),
        "authentication": MTPResponse(
            type: "authentication", .ok, time: now, data: MTPData(time: now, user: [session])),
        "get_update": MTPResponse(
            type: "get_update", .ok, time: now,
            data: MTPData(time: now, flow: [flow], message: [message], user: [user]),
            meta: MTPMeta(since: MTPCursor(position: 41).text)),
        "get_update_push": MTPResponse(
            type: "get_update", .ok, time: now, data: MTPData(time: now, message: [message]),
            meta: MTPMeta(push: true, since: MTPCursor(position: 42).text)),
        "send_message": MTPResponse(
            type: "send_message", .ok, time: now,
            data: MTPData(
                time: now,
                message: [
                    MessageObject(uuid: "858585", clientID: 1234, fromUser: alice, fromFlow: room, time: now)
                ])),
        "all_messages": MTPResponse(
            type: "all_messages", .partialContent, time: now,
            data: MTPData(flow: [FlowObject(uuid: room, messageStart: 0, messageEnd: 256)], message: [message])),
        "add_flow": MTPResponse(type: "add_flow", .ok, time: now, data: MTPData(time: now, flow: [flow])),
        "all_flow": MTPResponse(type: "all_flow", .ok, time: now, data: MTPData(time: now, flow: [flow])),
        "user_info": MTPResponse(type: "user_info", .ok, time: now, data: MTPData(time: now, user: [user])),
        "user_info_too_many": MTPResponse(type: "user_info", .tooManyRequests, time: now),
        "delete_user": MTPResponse(type: "delete_user", .ok, time: now),
        "delete_message": MTPResponse(type: "delete_message", .ok, time: now),
        "edited_message": MTPResponse(type: "edited_message", .ok, time: now),
        "ping_pong": MTPResponse(type: "ping_pong", .ok, time: now),
        "ping_pong_unauthorized": MTPResponse(type: "ping_pong", .unauthorized, detail: "The token expired", time: now),
        "error": MTPResponse(
            type: MTPMethod.errorType, .unsupportedMediaType,
            detail: "type is missing: it must be a string, the name of a method", time: now),
    ]

    @Test(arguments: examples.keys.sorted())
    func answersAreWrittenAsPublished(name: String) throws {
        let response = try #require(Self.examples[name])

        try Fixture.expect("responses/\(name).json", toBe: response.encoded())
    }

    @Test(arguments: examples.keys.sorted())
    func clientsDecodeThemAsTheSame(name: String) throws {
        let response = try #require(Self.examples[name])

        #expect(try MTPResponse(decoding: ByteBuffer(bytes: response.encoded())) == response)
    }

    @Test func everyMethodHasAnExample() {
        for method in MTPMethod.allCases { #expect(Self.examples[method.rawValue]?.isSuccess == true) }
    }

    // spec: MTP, user: responses never contain password
    @Test func aPasswordIsNeverWritten() throws {
        let user = UserObject(uuid: "1", login: "alice", password: "hunter2")
        let response = MTPResponse(type: "user_info", .ok, time: 0, data: MTPData(user: [user]))

        let text = String(decoding: response.encoded(), as: UTF8.self)

        #expect(!text.contains("hunter2") && !text.contains("password"))
        #expect(text.contains(#""login":"alice""#))
    }

    // COMPAT: the published models refuse an email that is no address.
    @Test func anEmailThatIsNoAddressIsLeftOut() throws {
        func text(email: String) -> String {
            let data = MTPData(user: [UserObject(uuid: "1", email: email, timeCreated: 0)])
            return String(decoding: MTPResponse(type: "t", .ok, time: 0, data: data).encoded(), as: UTF8.self)
        }

        #expect(text(email: "a@example.org").contains(#""email":"a@example.org""#))
        #expect(!text(email: "").contains("email"))
        #expect(!text(email: "nowhere").contains("email"))
    }

    @Test(arguments: [
        "{}", "[]", "", #"{"type":"t","errors":{"code":200,"status":"OK"}}"#,
        #"{"type":"t","errors":{"code":"fine","status":"OK","time":0}}"#,
        #"{"errors":{"code":200,"status":"OK","time":0}}"#,
        #"{"type":"t","errors":{"code":200,"status":"OK","time":0},"data":[]}"#,
    ])
    func clientsRefuseBrokenAnswers(frame: String) {
        #expect(throws: MTPDecodeError.self) { try MTPResponse(decoding: ByteBuffer(string: frame)) }
    }
}
