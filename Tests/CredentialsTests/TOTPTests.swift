// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

struct TOTPTests {
    /// The secret of RFC 6238, appendix B.
    private static let factor = TOTP(bytes: Array("12345678901234567890".utf8))

    @Test(
        arguments: [
            (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
        ] as [(Int64, String)])
    func codesAreThoseOfTheSpecification(seconds: Int64, code: String) throws {
        let factor = try #require(Self.factor)

        #expect(factor.code(atStep: seconds / 30, digits: 8) == code)
        #expect(factor.step(of: String(code.suffix(6)), at: seconds) == seconds / 30)
    }

    @Test func codesCountForOneStepAroundTheirOwn() throws {
        let factor = try #require(Self.factor)
        let code = String("94287082".suffix(6))

        for (seconds, step) in [(29, 1), (30, 1), (59, 1), (60, 1), (89, 1)] as [(Int64, Int64)] {
            #expect(factor.step(of: code, at: seconds) == step)
        }
        #expect(factor.step(of: code, at: 90) == nil)
    }

    @Test(arguments: ["", "28708", "2870820", "287083", "94287082", "２８７０８２", "287082\u{0}"])
    func otherTextsAreNoCodes(_ text: String) throws {
        #expect(try #require(Self.factor).step(of: text, at: 59) == nil)
    }

    @Test func authenticatorsAreGivenASecretInBase32() throws {
        let factor = try #require(Self.factor)

        #expect(
            factor.uri(issuer: "Parley", account: "zoë & co:") == "otpauth://totp/Parley:zo%C3%AB%20%26%20co%3A"
                + "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Parley&algorithm=SHA1&digits=6&period=30")
        #expect(!"\(factor) \(String(reflecting: factor))".contains("GEZ"))
        #expect(TOTP(bytes: [UInt8](repeating: 0, count: 19)) == nil)
    }

    @Test func newSecretsDiffer() {
        var random = SecureRandom()

        #expect(TOTP(using: &random).bytes != TOTP(using: &random).bytes)
    }
}
