// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import MTP
import NIOCore
import Testing

@Suite struct MTPHostileTextTests {
    /// Every member that the protocol has.
    static let everything = """
        {"type": "send_message", "jsonapi": {"version": "1.0", "revision": "17"}, "meta": {"since": "0", "invite": "i"},
        "data": {"flow": [{"uuid": "1", "type": "chat", "title": "t", "info": "i", "owner": "1", "users": ["1", "2"]}],
        "message": [{"uuid": "1", "text": "t", "from_user": "1", "from_flow": "1", "file_picture": "p",
        "file_video": "v", "file_audio": "a", "file_document": "d", "emoji": "e"}],
        "user": [{"uuid": "1", "auth_id": "1", "login": "l", "username": "u", "bio": "b", "avatar": "a",
        "password": "p", "email": "e"}]}}
        """

    @Test func everyTextAndNameIsReadInProportionToItsLength() throws {
        let variants = HostileText.variants(ofJSON: Self.everything)
        #expect(variants.count > 60)

        for variant in variants {
            let slowdown = HostileText.slowdown { text in
                guard let request = try? MTPRequest(decoding: ByteBuffer(string: variant(text))) else { return }
                _ = request.method
                _ = MTPVersion(request.version)
                _ = request.meta?.since.flatMap { MTPCursor($0) }
            }
            #expect(slowdown < HostileText.tolerance, "\(variant("HERE"))")
        }
    }

    @Test func everyTextOfAnAnswerIsReadInProportionToItsLength() throws {
        let answer = """
            {"type": "get_update", "data": {"flow": [{"uuid": "1", "type": "chat"}]}, "errors": {"code": 200,
            "status": "OK", "time": 1, "detail": "fine"}, "jsonapi": {"version": "1.0"}, "meta": {"since": "0"}}
            """

        for variant in HostileText.variants(ofJSON: answer) {
            let slowdown = HostileText.slowdown { text in
                _ = try? MTPResponse(decoding: ByteBuffer(string: variant(text)))
            }
            #expect(slowdown < HostileText.tolerance, "\(variant("HERE"))")
        }
    }
}
