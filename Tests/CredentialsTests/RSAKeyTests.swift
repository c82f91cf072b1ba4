// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Credentials

/// An element of DER.
private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    // The shortest form of the length is the only one.
    let length: [UInt8] =
        switch count {
        case ..<128: [UInt8(count)]
        case ..<256: [0x81, UInt8(count)]
        default: [0x82, UInt8(count >> 8), UInt8(count & 255)]
        }
    return [tag] + length + content
}

private func pem(_ name: String, _ bytes: [UInt8]) -> String {
    let text = Base64.text(bytes)
    let lines = stride(from: 0, to: text.count, by: 64).map { text.dropFirst($0).prefix(64) }
    return (["-----BEGIN \(name)-----"] + lines + ["-----END \(name)-----"]).joined(separator: "\n")
}

/// A private key in the form of PKCS#8, made of that of PKCS#1: with a version and the algorithm around it.
private func pkcs8PEM(_ pkcs1: String) throws -> String {
    let lines = pkcs1.split(separator: "\n").filter { !$0.hasPrefix("-----") }
    let key = try #require(Base64.bytes(lines.joined()))
    let rsaEncryption: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    let algorithm = element(0x30, element(0x06, rsaEncryption) + element(0x05, []))
    return pem("PRIVATE KEY", element(0x30, element(0x02, [0]) + algorithm + element(0x04, key)))
}

/// A public key of any numbers, in the form of PKCS#1.
private func publicPEM(modulus: [UInt8], exponent: [UInt8]) -> String {
    func number(_ bytes: [UInt8]) -> [UInt8] { element(0x02, (bytes[0] >= 128 ? [0] : []) + bytes) }
    return pem("RSA PUBLIC KEY", element(0x30, number(modulus) + number(exponent)))
}

/// An odd number of that many bits.
private func modulus(bits: Int) -> [UInt8] {
    let top = UInt8(1 << ((bits - 1) % 8))
    return [top] + [UInt8](repeating: 0x5A, count: (bits - 1) / 8 - 1) + [0x5B]
}

struct RSAKeyTests {
    private let usualExponent: [UInt8] = [1, 0, 1]

    @Test(arguments: FastChatVectors.all) func keysOfOldClientsAreReadAndWritten(_ vectors: FastChatVectors) throws {
        let publicKey = try RSAPublicKey(pem: vectors.publicKey)
        let privateKey = try RSAPrivateKey(pem: vectors.privateKey)

        #expect(publicKey.bits == vectors.bits)
        #expect(publicKey.pem == vectors.publicKey)
        #expect(privateKey.publicKey == publicKey)
        #expect(try RSAPublicKey(pem: publicKey.pem) == publicKey)
        #expect(try RSAPrivateKey(pem: privateKey.pem).pem == privateKey.pem)
        #expect(privateKey.pem.hasPrefix(vectors.privateKey))
    }

    @Test(arguments: FastChatVectors.all) func privateKeyIsReadInBothForms(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)

        let other = try pkcs8PEM(key.pem)
        #expect(other.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        #expect(try RSAPrivateKey(pem: other).pem == key.pem)
    }

    @Test func publicKeyInTheFormOfOtherToolsIsRewritten() throws {
        // The same key as `openssl rsa -RSAPublicKey_in -pubout` writes it.
        let key = try RSAPublicKey(
            pem: """
                -----BEGIN PUBLIC KEY-----
                MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCa2oI2jk0A5/Z82tJ/1l2OQhpm
                46eIS4deoSNNZcDR8tVwfIwZ5EezrfiZfbIdadm9rK8SAa4mXFNPPvBRNt5w3N8q
                yWx79qjt2Bkgjbg1k3FHSTDxbUdQpMOePlF+se9QducSl4l0+CB55Zmrr2x1SNC+
                R+12VNQtmhMOI5uHjwIDAQAB
                -----END PUBLIC KEY-----
                """)

        #expect(key.pem == FastChatVectors.old.publicKey)
    }

    @Test func newKeyHas2048BitsAndIsNew() throws {
        let key = try RSAPrivateKey()
        let secret: [UInt8] = Array(0..<30)

        #expect(key.publicKey.bits == 2048)
        #expect(key.publicKey.pem.hasPrefix("-----BEGIN RSA PUBLIC KEY-----\n"))
        #expect(try key.decrypt(key.publicKey.encrypt(secret)) == secret)
        #expect(try key.publicKey.isValid(signature: key.signature(of: "x"), of: "x"))
        #expect(try RSAPrivateKey(newBits: 1024).publicKey != RSAPrivateKey(newBits: 1024).publicKey)
    }

    @Test(arguments: FastChatVectors.all) func signatureIsThatOfTheOldClients(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)

        #expect(try key.signature(of: FastChatVectors.signedText) == vectors.signature)
        #expect(key.publicKey.isValid(signature: vectors.signature, of: FastChatVectors.signedText))
    }

    @Test func nothingButTheSignatureIsValid() throws {
        let key = try RSAPublicKey(pem: FastChatVectors.current.publicKey)
        let signature = FastChatVectors.current.signature
        var bytes = try #require(Base64.bytes(signature))
        bytes[255] ^= 1
        let wrong = [
            "", "AAAA", "no base64 at all!", String(signature.dropLast(4)), signature + "AAAA", Base64.text(bytes),
            Base64.text([UInt8](repeating: 0xFF, count: 256)), FastChatVectors.old.signature,
            String(repeating: "A", count: 1 << 20),
        ]

        for text in wrong { #expect(!key.isValid(signature: text, of: FastChatVectors.signedText)) }
        #expect(!key.isValid(signature: signature, of: "127.0.0.18011"))
        #expect(key.isValid(signature: signature.prefix(76) + "\r\n" + signature.dropFirst(76), of: "127.0.0.18010"))
    }

    @Test(arguments: FastChatVectors.all) func secretIsDecryptedByItsKeyOnly(_ vectors: FastChatVectors) throws {
        let key = try RSAPrivateKey(pem: vectors.privateKey)
        let stranger = try RSAPrivateKey(newBits: vectors.bits)
        let ciphertext = try key.publicKey.encrypt([1, 2, 3])

        #expect(ciphertext.count == vectors.bits / 8)
        #expect(key.decrypt(ciphertext) == [1, 2, 3])
        #expect(stranger.decrypt(ciphertext) != [1, 2, 3])
        for wrong in [[], [UInt8](repeating: 0, count: 16), ciphertext + [0], Array(ciphertext.dropLast())] {
            #expect(key.decrypt(wrong) == nil)
        }
        #expect(key.decrypt([UInt8](repeating: 0xFF, count: ciphertext.count)) == nil)
        #expect(key.decrypt([UInt8](repeating: 0, count: ciphertext.count)) == nil)
    }

    @Test func lengthOfASecretIsBounded() throws {
        let key = try RSAPrivateKey(pem: FastChatVectors.old.privateKey)
        let longest = [UInt8](repeating: 9, count: 117)

        #expect(try key.decrypt(key.publicKey.encrypt(longest)) == longest)
        #expect(try key.decrypt(key.publicKey.encrypt([])) == [])
        #expect(throws: RSAKeyError.secretTooLong(limit: 117)) { try key.publicKey.encrypt(longest + [9]) }
    }

    @Test(arguments: [1024, 1032, 8192]) func publicKeyOfASupportedSizeWorks(bits: Int) throws {
        let key = try RSAPublicKey(pem: publicPEM(modulus: modulus(bits: bits), exponent: usualExponent))

        #expect(key.bits == bits)
        #expect(try key.encrypt([1]).count == bits / 8)
    }

    @Test(arguments: [8, 512, 1016, 1023, 1025, 2047, 8191, 8193, 8200, 16384, 65528])
    func publicKeyOfAnotherSizeIsRefused(bits: Int) {
        let pem = publicPEM(modulus: modulus(bits: max(bits, 16)), exponent: usualExponent)

        #expect(throws: RSAKeyError.self) { try RSAPublicKey(pem: pem) }
    }

    @Test(arguments: [
        [0], [1], [2], [4], [1, 0, 0], [2, 1, 1, 1, 1], [UInt8](repeating: 1, count: 128),
    ])
    func exponentThatWouldBeWeakOrSlowIsRefused(exponent: [UInt8]) {
        let pem = publicPEM(modulus: modulus(bits: 2048), exponent: exponent)

        #expect(throws: RSAKeyError.unreadable) { try RSAPublicKey(pem: pem) }
    }

    @Test func evenModulusIsRefused() {
        let pem = publicPEM(modulus: modulus(bits: 2048).dropLast() + [0x5A], exponent: usualExponent)

        #expect(throws: RSAKeyError.unreadable) { try RSAPublicKey(pem: pem) }
    }

    @Test func nonsenseIsNoKey() {
        let good = FastChatVectors.old.publicKey
        let texts = [
            "", "x", "-----BEGIN RSA PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----\n-----END RSA PUBLIC KEY-----",
            good.replacing("MIGJ", with: "MIGK"), good.replacing("RSA PUBLIC", with: "EC PUBLIC"),
            String(good.dropLast(40)),
            FastChatVectors.old.privateKey, good + "\u{0}", String(repeating: "\n", count: 20_000) + good,
            good.replacing("-----\nMIGJ", with: "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIGJ"),
        ]
        for text in texts {
            #expect(throws: RSAKeyError.unreadable) { try RSAPublicKey(pem: text) }
            if text != FastChatVectors.old.privateKey {
                #expect(throws: RSAKeyError.unreadable) { try RSAPrivateKey(pem: text) }
            }
        }
        #expect(throws: RSAKeyError.unreadable) { try RSAPrivateKey(pem: good) }
    }

    @Test func truncatedKeysNeverTrap() {
        for text in [FastChatVectors.old.publicKey, FastChatVectors.old.privateKey] {
            for count in stride(from: 0, to: text.count - 26, by: 7) {
                let part = String(text.prefix(count))
                #expect(throws: RSAKeyError.self) { try RSAPublicKey(pem: part) }
                #expect(throws: RSAKeyError.self) { try RSAPrivateKey(pem: part) }
            }
        }
    }

    @Test(arguments: [0, -8, 512, 1016, 1025, 8200, Int.max]) func newKeyOfAnotherSizeIsRefused(bits: Int) {
        #expect(throws: RSAKeyError.unsupportedSize) { try RSAPrivateKey(newBits: bits) }
    }

    @Test func privateKeyNeverShows() throws {
        let key = try RSAPrivateKey(pem: FastChatVectors.old.privateKey)
        var dumped = ""
        dump([key], to: &dumped)

        for text in ["\(key)", String(reflecting: key), dumped] { #expect(text.contains("[private key]")) }
        #expect(!dumped.contains("BEGIN"))
    }
}

struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]) func vectorsOfTheStandardGoBothWays(plain: String, text: String) {
        #expect(Base64.text(Array(plain.utf8)) == text)
        #expect(Base64.bytes(text) == Array(plain.utf8))
    }

    @Test func everyLengthGoesBothWays() {
        for count in 0...300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64.bytes(Base64.text(bytes)) == bytes)
        }
    }

    @Test func lineEndsAreSkippedAndNothingElse() {
        #expect(Base64.bytes("Zm9v\r\nYmFy\n") == Array("foobar".utf8))
        for text in ["Zg", "Zg=", "Zg===", "Z", "Zm9v!", "Zm9vYg==Zm9v", "Zm-_", "Zh==", "é"] {
            #expect(Base64.bytes(text) == nil)
        }
    }
}
