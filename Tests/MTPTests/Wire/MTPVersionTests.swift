// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Testing

@Suite struct MTPVersionTests {
    private func version(_ text: String) throws -> MTPVersion {
        try #require(MTPVersion(text))
    }

    @Test func versionsCompareAsNumbers() throws {
        #expect(try version("1.10") > version("1.9"))
        #expect(try version("1.0") < version("1.0.1"))
        #expect(try version("2") > version("1.999999.999999.999999"))
        #expect(try version("1") == version("1.0.0.0"))
        #expect(try version("01.00") == version("1.0"))
        #expect(try version(MTPVersion.currentText) == .current)
    }

    @Test(arguments: [
        "", ".", "1.", ".1", "1..0", "1.0.0.0.0", "1.0a", "-1", "+1", " 1.0", "1,0", "1234567", "١", "v1",
    ])
    func whatIsNoVersionIsRefused(text: String) {
        #expect(MTPVersion(text) == nil)
    }

    @Test func aVersionIsWrittenWithAtLeastTwoNumbers() throws {
        #expect(
            try ["1", "1.0", "1.10.0", "1.2.3", "1.0.0.4"].map { "\(try version($0))" }
                == ["1.0", "1.0", "1.10", "1.2.3", "1.0.0.4"])
    }
}
