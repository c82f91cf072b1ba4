// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

/// One case of RFC 4231 §4, those with a whole code.
struct HMACVector: Sendable {
    var key: [UInt8]
    var message: [UInt8]
    var code: String

    static let rfc4231 = [
        HMACVector(
            key: [UInt8](repeating: 0x0B, count: 20), message: Array("Hi There".utf8),
            code: "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                + "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        ),
        HMACVector(
            key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            code: "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
        HMACVector(
            key: [UInt8](repeating: 0xAA, count: 20), message: [UInt8](repeating: 0xDD, count: 50),
            code: "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
                + "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
        ),
        HMACVector(
            key: Array(1...25), message: [UInt8](repeating: 0xCD, count: 50),
            code: "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
                + "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        ),
        HMACVector(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                + "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
        HMACVector(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                    + "to be hashed before being used by the HMAC algorithm.").utf8),
            code: "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
                + "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
        ),
    ]
}

struct HMACChallengeTests {
    @Test(arguments: HMACVector.rfc4231) func codeIsThatOfTheStandard(_ vector: HMACVector) throws {
        let challenge = vector.key.withUnsafeBufferPointer { HMACChallenge(key: $0) }
        let restored = try #require(HMACChallenge(bytes: challenge.bytes))

        #expect(Hexadecimal.text(challenge.code(of: vector.message)) == vector.code)
        #expect(Hexadecimal.text(restored.code(of: vector.message)) == vector.code)
    }

    /// The codes come from Python: `hmac.new(password.encode(), token.encode(), "sha512").hexdigest()`.
    @Test(arguments: [
        (
            "hunter2", "abc",
            "6b95e9cf7876677b499d702cc3534f402e54f31b102183d2fbb4ad3eb94b523c"
                + "c7ba08b4cecb2774a72b2adfb35ca38a20ea1ccd8a91660ccb0b3f807b4bc2a5"
        ),
        (
            "пароль✓", "Zufälliger Text",
            "e9190593a5a978fd339098f8d7b1cc6840f8878f4ae9f8fcb12ff3bfc59ac737"
                + "4576f657d0a4b3db9f41894c636613373ab0f04c24119a859ac25f87eb52f7eb"
        ),
        (
            "", "token",
            "e70dafd8110e4741568556bd18b9ddacd037e4fb51d70d275e5236a904d10f15"
                + "bc80110f9d1435ef55c40f58a4454f5ff1cdaf3d083d9e0f2d8617b3c53bc803"
        ),
        (
            String(repeating: "x", count: 128), "t",
            "40314745ffb7be32dce01eb023895c356efe3f275d83d6b450f459bf39a04d54"
                + "2809ac53a1b89710c0e074ede922d02b9581aaa887c7e83829268d14ed1c8ffa"
        ),
        (
            String(repeating: "x", count: 129), "t",
            "c91e524fc7b2cb9acdeba6f8ddc3effe9489cf5ef4e154af6bc9bba0d8d95d90"
                + "330e4b9f01d7739d53b3ea8d8f3c0dcc5a1a886ca4faba5c651e57c989160507"
        ),
        (
            String(repeating: "ключ", count: 40), "",
            "c17538d9111d13752fc2c8cc69256e9f3fd09b80f55b7699e0f69f236bed3d2d"
                + "689815060b0fb2f5a8bde873fe6211399caec9186e462f0d4de422088771a331"
        ),
    ]) func answerIsThatOfTheClients(password: String, token: String, answer: String) throws {
        let challenge = try #require(HMACChallenge(bytes: HMACChallenge(Password(password)).bytes))

        #expect(challenge.answer(to: token) == answer)
        #expect(challenge.accepts(answer, to: token))
        #expect(challenge.accepts(answer.uppercased(), to: token))
    }

    @Test func nothingButTheAnswerIsAccepted() {
        let challenge = HMACChallenge(Password("hunter2"))
        let answer = challenge.answer(to: "token")
        let flipped = (answer.hasPrefix("0") ? "1" : "0") + answer.dropFirst()

        for wrong in ["", "0", flipped, String(answer.dropLast(2)), answer + "00", "é" + answer.dropFirst(2)] {
            #expect(!challenge.accepts(wrong, to: "token"))
        }
        #expect(!challenge.accepts(answer, to: "token "))
        #expect(!HMACChallenge(Password("hunter3")).accepts(answer, to: "token"))
    }

    @Test func longTokensAreHashedWhole() {
        let challenge = HMACChallenge(Password("hunter2"))
        let token = String(repeating: "t", count: 100_000)

        #expect(challenge.accepts(challenge.answer(to: token), to: token))
        #expect(challenge.answer(to: token) != challenge.answer(to: token + "t"))
    }

    @Test(arguments: [0, 1, 127, 129, 256]) func otherLengthsAreNoChallenge(count: Int) {
        #expect(HMACChallenge(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func storedFormHoldsNeitherPasswordNorItsHash() {
        let bytes = HMACChallenge(Password("hunter2")).bytes
        var dumped = ""
        dump(HMACChallenge(Password("hunter2")), to: &dumped)

        #expect(bytes.count == HMACChallenge.byteCount)
        #expect(!bytes.map(Character.init(unicode:)).contains("hunter2"))
        for text in ["\(HMACChallenge(Password("hunter2")))", dumped] { #expect(text.contains("[challenge]")) }
    }
}

extension Character {
    fileprivate init(unicode byte: UInt8) { self.init(Unicode.Scalar(byte)) }
}
