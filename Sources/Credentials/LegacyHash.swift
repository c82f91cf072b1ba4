// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// A password hashed as the reference design does it: BLAKE2b of the password's UTF-8, keyed and salted.
///
/// Equal to Python's `hashlib.blake2b(password, digest_size=size, key=key, salt=salt)`: salts shorter than 16 bytes are
/// filled with zeros. It is fast, hence weak against guessing: it stays for imported accounts and for installations
/// that ask for it.
package struct LegacyHash: Hashable, Sendable {
    /// Longest salt that the function takes.
    package static let maximumSaltBytes = 16
    /// Longest key that the function takes.
    package static let maximumKeyBytes = 64
    /// Digest lengths that the function makes.
    package static let digestBytes = 1...64
    /// Bytes of a new salt, as in the reference design.
    package static let newSaltBytes = 16
    /// Bytes of a new key, as in the reference design.
    package static let newKeyBytes = 20

    /// Salt of the account, at most 16 bytes.
    package let salt: [UInt8]
    /// Key of the account, at most 64 bytes.
    package let key: [UInt8]
    /// The result; its length is the hash's size.
    package let digest: [UInt8]

    /// Hashes `password` to a digest of `size` bytes, 1 to 64.
    ///
    /// - Throws: `CredentialsError.invalidParameter` for a salt, key or size that the function does not take.
    package init(password: Password, salt: [UInt8], key: [UInt8], size: Int = 32) throws(CredentialsError) {
        try Self.check(salt: salt, key: key, size: size)
        self.salt = salt
        self.key = key
        digest = password.withBytes { Self.blake2b($0, size: size, key: key, salt: salt) }
    }

    /// Takes over a hash made elsewhere, such as the `hash_password`, `salt` and `key` columns of the reference
    /// database.
    ///
    /// - Throws: `CredentialsError.invalidParameter` unless `hexDigest` is hexadecimal and all lengths are in range.
    package init(hexDigest: String, salt: [UInt8], key: [UInt8]) throws(CredentialsError) {
        guard let digest = Hexadecimal.bytes(hexDigest[...]) else {
            throw .invalidParameter("The password hash is not hexadecimal.")
        }
        try Self.check(salt: salt, key: key, size: digest.count)
        self.salt = salt
        self.key = key
        self.digest = digest
    }

    /// Reads the form that `stored` writes; `nil` for anything else.
    package init?(stored: String) {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        guard stored.utf8.count <= 512, parts.count == 5, parts[0].isEmpty, parts[1] == "blake2b" else { return nil }
        let parameters = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard parameters.count == 2, parameters[0].hasPrefix("size="), parameters[1].hasPrefix("key=") else {
            return nil
        }
        guard
            let size = Int(parameters[0].dropFirst(5)), let key = Hexadecimal.bytes(parameters[1].dropFirst(4)),
            let salt = Hexadecimal.bytes(parts[3]), let digest = Hexadecimal.bytes(parts[4]), digest.count == size,
            (try? Self.check(salt: salt, key: key, size: size)) != nil
        else { return nil }
        self.salt = salt
        self.key = key
        self.digest = digest
    }

    /// Everything in one text for the password column: `$blake2b$size=32,key=<hex>$<salt hex>$<digest hex>`.
    package var stored: String {
        "$blake2b$size=\(digest.count),key=\(Hexadecimal.text(key))$\(Hexadecimal.text(salt))$\(hexDigest)"
    }

    /// The digest as the reference database stores it.
    package var hexDigest: String { Hexadecimal.text(digest) }

    /// Whether this is the hash of `password`, compared in constant time.
    package func matches(_ password: Password) -> Bool {
        let candidate = password.withBytes { Self.blake2b($0, size: digest.count, key: key, salt: salt) }
        return ConstantTime.isEqual(candidate, digest)
    }

    /// The reference design's `auth_id`: BLAKE2b of the account's number, salted and without key, in hexadecimal.
    ///
    /// The number is written little-endian in as many *bytes* as it has significant *bits*. Anyone who knows number and
    /// salt can compute it, so our own logins use a random `Token` of that length; this is for comparison and import.
    ///
    /// - Throws: `CredentialsError.invalidParameter` for a salt or size that the function does not take.
    package static func authenticator(uuid: UInt128, salt: [UInt8], size: Int = 16) throws(CredentialsError) -> String {
        try check(salt: salt, key: [], size: size)
        let significantBits = UInt128.bitWidth - uuid.leadingZeroBitCount
        let input = (0..<significantBits).map { index in
            index < 16 ? UInt8(truncatingIfNeeded: uuid >> UInt128(index * 8)) : 0
        }
        return Hexadecimal.text(input.withUnsafeBufferPointer { blake2b($0, size: size, key: [], salt: salt) })
    }

    private static func check(salt: [UInt8], key: [UInt8], size: Int) throws(CredentialsError) {
        guard salt.count <= maximumSaltBytes else {
            throw .invalidParameter("The salt has \(salt.count) bytes, at most \(maximumSaltBytes) are allowed.")
        }
        guard key.count <= maximumKeyBytes else {
            throw .invalidParameter("The key has \(key.count) bytes, at most \(maximumKeyBytes) are allowed.")
        }
        guard digestBytes.contains(size) else {
            throw .invalidParameter("The hash size is \(size) bytes, it must be 1 to 64.")
        }
    }

    private static func blake2b(
        _ input: UnsafeBufferPointer<UInt8>, size: Int, key: [UInt8], salt: [UInt8]
    ) -> [UInt8] {
        _ = Sodium.ready
        let paddedSalt = salt + Array(repeating: 0, count: maximumSaltBytes - salt.count)
        return Array(unsafeUninitializedCapacity: size) { digest, count in
            guard let start = digest.baseAddress else { return }
            // Fails only for sizes that `check` has refused.
            let status = crypto_generichash_blake2b_salt_personal(
                start, size, input.baseAddress, UInt64(input.count), key, key.count, paddedSalt, nil)
            count = status == 0 ? size : 0
        }
    }
}

extension LegacyHash: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[password hash]`.
    package var description: String { "[password hash]" }
    /// Always `[password hash]`.
    package var debugDescription: String { "[password hash]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
