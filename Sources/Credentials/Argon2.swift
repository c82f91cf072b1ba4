// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium
import Glibc

/// The cost of one Argon2id hash.
struct Argon2Cost: Hashable, Sendable {
    var memoryKiB: Int
    var iterations: Int
    /// Lanes.
    ///
    /// Our own hashes have one; those of other programs may have more.
    var parallelism = 1

    /// What an imported hash may ask for at most, so that one row cannot take the server's memory or a thread for
    /// minutes.
    static let limit = Argon2Cost(memoryKiB: 1 << 20, iterations: 64, parallelism: 16)

    /// Reads the parameters of a PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; `nil` for any other form.
    init?(stored: String) {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        guard stored.utf8.count <= 256, stored.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "argon2id", parts[2] == "v=19" else { return nil }
        let values = parts[3].split(separator: ",", omittingEmptySubsequences: false)
        guard values.count == 3, !parts[4].isEmpty, !parts[5].isEmpty else { return nil }
        guard
            let memory = Self.number(values[0], "m="), let iterations = Self.number(values[1], "t="),
            let parallelism = Self.number(values[2], "p=")
        else { return nil }
        self.init(memoryKiB: memory, iterations: iterations, parallelism: parallelism)
    }

    init(memoryKiB: Int, iterations: Int, parallelism: Int = 1) {
        self.memoryKiB = memoryKiB
        self.iterations = iterations
        self.parallelism = parallelism
    }

    var isWithinLimit: Bool {
        memoryKiB <= Self.limit.memoryKiB && iterations <= Self.limit.iterations
            && parallelism <= Self.limit.parallelism
    }

    private static func number(_ text: Substring, _ prefix: String) -> Int? {
        guard text.hasPrefix(prefix), let value = UInt32(text.dropFirst(prefix.count)) else { return nil }
        return Int(value)
    }
}

/// Argon2id by libsodium.
///
/// Every call takes tens of milliseconds and its cost in memory: only on threads of its own.
enum Argon2 {
    /// A new hash with a new salt, as a PHC string.
    static func hash(_ password: Password, cost: Argon2Cost) -> Result<String, CredentialsError> {
        _ = Sodium.ready
        var text = [CChar](repeating: 0, count: Int(crypto_pwhash_STRBYTES))
        let status = password.withBytes { bytes in
            withCharacters(bytes) { characters, count in
                crypto_pwhash_str_alg(
                    &text, characters, count, UInt64(cost.iterations), cost.memoryKiB * 1024,
                    crypto_pwhash_ALG_ARGON2ID13)
            }
        }
        guard status == 0 else { return .failure(.outOfMemory) }
        return .success(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    /// Whether `stored`, whose cost was checked before, is a hash of `password`.
    static func verify(_ password: Password, against stored: String) -> Result<Bool, CredentialsError> {
        _ = Sodium.ready
        errno = 0
        let status = password.withBytes { bytes in
            withCharacters(bytes) { characters, count in crypto_pwhash_str_verify(stored, characters, count) }
        }
        if status == 0 { return .success(true) }
        // The library says EINVAL for a mismatch only; text that it cannot decode leaves errno alone.
        switch errno {
        case EINVAL: return .success(false)
        case ENOMEM: return .failure(.outOfMemory)
        default: return .failure(.unreadableHash)
        }
    }

    /// Spends what hashing `password` would cost and keeps nothing.
    static func spend(_ password: Password, cost: Argon2Cost) -> Result<Void, CredentialsError> {
        _ = Sodium.ready
        var output = [UInt8](repeating: 0, count: 32)
        let salt = [UInt8](repeating: 0, count: Int(crypto_pwhash_SALTBYTES))
        let status = password.withBytes { bytes in
            withCharacters(bytes) { characters, count in
                crypto_pwhash(
                    &output, 32, characters, count, salt, UInt64(cost.iterations), cost.memoryKiB * 1024,
                    crypto_pwhash_ALG_ARGON2ID13)
            }
        }
        return status == 0 ? .success(()) : .failure(.outOfMemory)
    }

    /// The password as the library wants it: `char`, and never a null pointer, also for no bytes.
    private static func withCharacters(
        _ bytes: UnsafeBufferPointer<UInt8>, _ body: (UnsafePointer<CChar>, UInt64) -> Int32
    ) -> Int32 {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return body([0], 0) }
        return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { body($0, UInt64(bytes.count)) }
    }
}
