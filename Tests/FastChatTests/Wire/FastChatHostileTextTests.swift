// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HostileText
import Testing

@testable import FastChat

@Suite struct FastChatHostileTextTests {
    @Test func everyTextAndNameIsReadInProportionToItsLength() {
        for variant in FastChatSample.all.flatMap({ HostileText.variants(ofJSON: $0.json) }) {
            let slowdown = HostileText.slowdown { text in
                var splitter = FastChatSplitter()
                let value = Array(variant(text).utf8)
                #expect(splitter.receive(value) == [.value(value)])
                _ = try? FastChatRequest(decoding: value)
            }
            #expect(slowdown < HostileText.tolerance, "\(variant("HERE"))")
        }
    }

    @Test func everyTextOfTheServerIsReadInProportionToItsLength() {
        let units = [
            #"{"type": "server reply", "server_message": "Succesful Login!", "response": 0}"#,
            #"[{"type": "keys", "from": "server", "message": {"7": "PEM"}, "isgroup": 0}]"#,
            #"[{"type": "msg", "from": "server", "group": 0, "dest": 7, "message": "m", "time": "T", "isgroup": 1}]"#,
        ]

        for variant in units.flatMap({ HostileText.variants(ofJSON: $0) }) {
            let slowdown = HostileText.slowdown { text in
                _ = try? FastChatServerUnit(decoding: Array(variant(text).utf8))
            }
            #expect(slowdown < HostileText.tolerance, "\(variant("HERE"))")
        }
    }

    /// What came out of an envelope that the server opened.
    @Test func pictureIsToldFromTextInProportionToItsLength() {
        let slowdown = HostileText.slowdown { text in
            #expect(!FastChatPicture.isPlausible(text))
            #expect(!FastChatPicture.isPlausible("/9j\(text)"))
            _ = FastChatStored.opened(text + text, .text)
            _ = FastChatStored.opened(text, .image)
        }

        #expect(slowdown < HostileText.tolerance)
    }
}
