// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Skaro
import Testing

@Suite struct SkaroAnswerTests {
    private static let alice = SkaroUser(
        login: "alice", name: "Alice", id: "1159", isOnline: true, bio: "Hi", email: "alice@example.org",
        avatar: "iVBORw0KGgo")
    private static let bob = SkaroUser(login: "bob", name: "Bob", id: "8842", isOnline: false)
    private static let direct = SkaroMessage(
        id: "2204", from: "alice", to: "bob", body: "Gr\u{FC}\u{DF}e \u{1F642}", time: 1_763_690_001)
    private static let inGroup = SkaroMessage(
        id: "2205", from: "bob", inFlow: "3017", body: "Hello", time: 1_763_690_002)

    private static let alicesOwnMap: CBORValue = [
        "login": "alice", "name": "Alice", "id": "1159", "status": "online", "bio": "Hi",
        "email": "alice@example.org", "avatar": "iVBORw0KGgo",
    ]
    private static let bobsMap: CBORValue = ["login": "bob", "name": "Bob", "id": "8842", "status": "offline"]

    private func request(_ call: SkaroCall, id: CBORValue = 1) throws -> SkaroRequest {
        try SkaroRequest(decoding: call.encoded(id: id))
    }

    private func answer(_ call: SkaroCall, _ content: SkaroResponse.Content) throws -> CBORValue {
        try CBORValue(decoding: SkaroResponse(to: request(call, id: 5), content).encoded())
    }

    private func answered(to method: String, _ more: [CBORPair]) -> CBORValue {
        .map(
            [CBORPair("type", "request"), CBORPair("for", .text(method)), CBORPair("id", 5)]
                + [CBORPair("status", "200 OK")] + more)
    }

    // MARK: Answers

    @Test(arguments: SkaroRegisterType.allCases) func registerTypeIsAnswered(type: SkaroRegisterType) throws {
        #expect(
            try answer(.registerType, .registerType(type))
                == answered(to: "register_type", [CBORPair("register_type", .text(type.rawValue))]))
    }

    @Test func registrationModesHaveTheirNames() {
        #expect(SkaroRegisterType.allCases.map(\.rawValue) == ["open", "invite", "closed"])
    }

    @Test(arguments: [SkaroCall.authorize(login: "alice", proof: "1dbd"), .sessionRestore(sid: "5f0c")])
    func sessionIsAnswered(call: SkaroCall) throws {
        #expect(
            try answer(call, .session(id: "5f0c", user: Self.alice))
                == answered(
                    to: call.method.rawValue, [CBORPair("session_id", "5f0c"), CBORPair("user", Self.alicesOwnMap)]))
    }

    @Test(arguments: [
        SkaroCall.register(SkaroRegistration(login: "alice", password: "correct horse")),
        .updateMyData(SkaroProfile(bio: "Hi")), .getUserData(login: "alice"),
    ])
    func ownUserHasPrivateFields(call: SkaroCall) throws {
        #expect(
            try answer(call, .ownUser(Self.alice))
                == answered(to: call.method.rawValue, [CBORPair("user", Self.alicesOwnMap)]))
    }

    @Test func othersSeeNoEmail() throws {
        let publicMap = Self.alicesOwnMap.removing("email")
        let call = SkaroCall.getUserData(login: "alice")

        #expect(try answer(call, .user(Self.alice))["user"] == publicMap)
        #expect(try answer(call, .contact(Self.alice))["data"] == publicMap)
        #expect(try answer(call, .contacts([Self.alice, Self.bob]))["data"] == [publicMap, Self.bobsMap])
        #expect(
            try CBORValue(decoding: SkaroPush.changedUserData(Self.alice).encoded())
                == ["type": "changed_user_data", "user": publicMap])
    }

    @Test(arguments: [SkaroCall.addContact(login: "bob"), .deleteContact(login: "bob")])
    func contactIsAnswered(call: SkaroCall) throws {
        #expect(
            try answer(call, .contact(Self.bob))
                == answered(to: call.method.rawValue, [CBORPair("data", Self.bobsMap)]))
    }

    @Test(arguments: [SkaroCall.getContacts, .searchContacts(query: "bo")])
    func contactsAreAnswered(call: SkaroCall) throws {
        let none: [SkaroUser] = []
        let many = Array(repeating: Self.bob, count: 300)

        #expect(
            try answer(call, .contacts(none)) == answered(to: call.method.rawValue, [CBORPair("data", [])]))
        #expect(
            try answer(call, .contacts(many))
                == answered(
                    to: call.method.rawValue,
                    [CBORPair("data", .array(Array(repeating: Self.bobsMap, count: 300)))]))
    }

    @Test func historyKeepsItsOrder() throws {
        #expect(
            try answer(.getHistory(dialog: "bob", before: nil, limit: nil), .history([Self.direct, Self.inGroup]))
                == answered(
                    to: "get_history",
                    [
                        CBORPair(
                            "history",
                            [
                                [
                                    "from": ["login": "alice"], "to": "bob", "body": "Gr\u{FC}\u{DF}e \u{1F642}",
                                    "id": "2204", "time": 1_763_690_001,
                                ],
                                [
                                    "from": ["login": "bob", "in_conference": "3017"], "to": "3017", "body": "Hello",
                                    "id": "2205", "time": 1_763_690_002,
                                ],
                            ])
                    ]))
    }

    @Test(arguments: SkaroStatus.allCases.filter { $0 != .ok }) func refusalSaysWhy(status: SkaroStatus) throws {
        let refusal = SkaroRefusal(status, "It cannot be.")
        let answer = SkaroResponse(to: try request(.getContacts, id: "x"), refused: refusal)

        #expect(
            try CBORValue(decoding: answer.encoded()) == [
                "type": "request", "for": "get_contacts", "id": "x", "status": .text("\(status.text)"),
                "info": "It cannot be.",
            ])
    }

    @Test func statusBeginsWithItsCode() {
        for status in SkaroStatus.allCases {
            let text = "\(status.text)"

            #expect(text.hasPrefix("\(status.rawValue) "))
            #expect(text.utf8.count > 4)
        }
        #expect(
            SkaroStatus.allCases.map(\.rawValue) == [200, 400, 401, 403, 404, 405, 409, 410, 413, 429, 500, 503, 504])
    }

    // MARK: Byte for byte

    /// The bytes that the client library's own encoder makes of the same maps.
    @Test(
        arguments: [
            (.checkConnection(token: "3a7f"), "a2647479706570636865636b5f636f6e6e656374696f6e65746f6b656e6433613766"),
            (
                .showMessage(direct),
                "a664747970656c73686f775f6d6573736167656466726f6da1656c6f67696e65616c69636562746f63626f6264626f6479"
                    + "6c4772c3bcc39f6520f09f998262696464323230346474696d651a691fc611"
            ),
            (
                .showMessage(inGroup),
                "a664747970656c73686f775f6d6573736167656466726f6da2656c6f67696e63626f626d696e5f636f6e666572656e6365"
                    + "643330313762746f643330313764626f64796548656c6c6f62696464323230356474696d651a691fc612"
            ),
            (
                .changedUserData(bob),
                "a26474797065716368616e6765645f757365725f646174616475736572a4656c6f67696e63626f62646e616d6563426f62"
                    + "626964643838343266737461747573676f66666c696e65"
            ),
            (.info("Hello"), "a2647479706564696e666f64696e666f6548656c6c6f"),
            (.error("Hello"), "a26474797065656572726f7264696e666f6548656c6c6f"),
        ] as [(SkaroPush, String)])
    func pushIsEncoded(push: SkaroPush, hex: String) {
        #expect(push.encoded().hex == hex)
    }

    @Test func answerIsEncoded() throws {
        let authorize = try request(.authorize(login: "alice", proof: "1dbd"))
        let refusal = SkaroRefusal(.unauthorized, "The login or the password is wrong.")
        let send = try request(.sendMessage(to: "bob", body: Self.direct.body), id: 5)

        #expect(
            SkaroResponse(to: authorize, .session(id: "5f0c", user: Self.alice)).encoded().hex
                == "a66474797065677265717565737463666f7269617574686f72697a65626964016673746174757366323030204f4b6a73"
                + "657373696f6e5f696464356630636475736572a7656c6f67696e65616c696365646e616d6565416c69636562696464"
                + "3131353966737461747573666f6e6c696e656362696f62486965656d61696c71616c696365406578616d706c652e6f"
                + "7267666176617461726b6956424f5277304b47676f")
        #expect(
            SkaroResponse(to: authorize, refused: refusal).encoded().hex
                == "a56474797065677265717565737463666f7269617574686f72697a6562696401667374617475737034303120556e6175"
                + "74686f72697a656464696e666f7823546865206c6f67696e206f72207468652070617373776f72642069732077726f"
                + "6e672e")
        #expect(
            SkaroResponse(to: send, .message(Self.direct)).encoded().hex
                == "a56474797065677265717565737463666f726c73656e645f6d657373616765626964056673746174757366323030204f"
                + "4b6464617461a56466726f6da1656c6f67696e65616c69636562746f63626f6264626f64796c4772c3bcc39f6520f0"
                + "9f998262696464323230346474696d651a691fc611")
    }

    // MARK: Secrets

    @Test func descriptionHoldsNoContent() throws {
        let answer = SkaroResponse(to: try request(.getContacts), .session(id: "5f0c", user: Self.alice))

        #expect("\(answer)" == "200 OK")
        #expect(String(reflecting: answer) == "200 OK")
        #expect("\(SkaroPush.checkConnection(token: "3a7f"))" == "check_connection")
        #expect(String(reflecting: SkaroPush.showMessage(Self.direct)) == "show_message")
    }
}
