// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import HostileText
import Skaro
import Testing

@Suite struct SkaroHostileTextTests {
    private static func frames(of example: SkaroRequestExample, _ text: String) -> [CBORValue] {
        let values = (example.required + example.optional + ["type", "on_request"]).map { name in
            example.frame.setting(name, .text(text))
        }
        return values + [
            example.frame.setting(text, 1), example.frame.setting("on_request", .map([CBORPair(text, 1)])),
        ]
    }

    @Test(arguments: SkaroRequestExample.all)
    func everyTextAndKeyIsReadInProportionToItsLength(example: SkaroRequestExample) throws {
        for index in Self.frames(of: example, "").indices {
            let slowdown = HostileText.slowdown { text in
                let frame = Self.frames(of: example, text)[index]
                guard let request = try? SkaroRequest(decoding: frame.encoded()) else { return }
                _ = request.method
                _ = "\(request)"
                guard (try? request.call()) != nil else {
                    _ = SkaroResponse(to: request, refused: .unknownMethod).encoded()
                    return
                }
            }
            #expect(slowdown < HostileText.tolerance, "\(Self.frames(of: example, "HERE")[index])")
        }
    }
}
