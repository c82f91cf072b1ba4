// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import MTP
import Storage
import Testing

@Suite struct MTPIdentifierTests {
    @Test func aDecimalNumberIsAnIdentifierAndItsTextComesBack() {
        for text in ["0", "7", "227451230498120349812034981203498", "\(UInt128.max)"] {
            let identifier = MTPIdentifier(text)

            #expect(identifier.identifier == Identifier(decimal: text))
            #expect(identifier.identifier != nil)
            #expect(identifier.description == text)
        }
    }

    @Test(arguments: ["", "-1", "01", "x", "1 ", "１", "340282366920938463463374607431768211456"])
    func anyOtherTextNamesNothingAndComesBack(text: String) {
        #expect(MTPIdentifier(text).identifier == nil)
        #expect(MTPIdentifier(text).description == text)
    }

    @Test func equalTextsAreEqual() {
        #expect(MTPIdentifier("7") == MTPIdentifier(Identifier(7)))
        #expect(MTPIdentifier("x") == "x")
        #expect(MTPIdentifier("x") != "y")
        #expect(MTPIdentifier("7") != "07")
    }
}
