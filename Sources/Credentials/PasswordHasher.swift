// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Makes and checks password hashes, so that no flood of logins takes all cores or all memory.
///
/// A stored hash is one text that says itself how it was made: `$argon2id$…` in PHC string form, or `$blake2b$…` for
/// the reference design's form (`LegacyHash`).
package final class PasswordHasher: Sendable {
    /// How new hashes are made.
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// Slow and hungry for memory on purpose; the default.
        case argon2id
        /// The reference design's keyed BLAKE2b, for data that its server shall go on reading.
        case blake2b
    }

    /// Cost of a hash and how many may be under way.
    package struct Settings: Hashable, Sendable {
        /// How new hashes are made.
        package var algorithm: Algorithm
        /// Memory of one Argon2id hash in bytes, 8 KiB to 1 GiB, rounded down to whole KiB (default 19 MiB).
        package var memoryBytes: Int
        /// Passes of one Argon2id hash, 1 to 64 (default 2).
        package var iterations: Int
        /// Digest length of BLAKE2b in bytes, 16 to 64 (default 32).
        package var digestBytes: Int
        /// Hashes under way at the same time (default: one per core).
        package var simultaneous: Int
        /// Callers that may wait for their turn (default 64); the next ones are refused with `busy`.
        package var maximumWaiting: Int

        /// The defaults, with what is given changed.
        package init(
            algorithm: Algorithm = .argon2id, memoryBytes: Int = 19 << 20, iterations: Int = 2, digestBytes: Int = 32,
            simultaneous: Int = Settings.coreCount, maximumWaiting: Int = 64
        ) {
            self.algorithm = algorithm
            self.memoryBytes = memoryBytes
            self.iterations = iterations
            self.digestBytes = digestBytes
            self.simultaneous = simultaneous
            self.maximumWaiting = maximumWaiting
        }

        /// Cores that the system has switched on.
        package static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
    }

    private let settings: Settings
    private let cost: Argon2Cost
    /// Not private for the sake of the tests, which let it stand still.
    let queue: HashQueue
    private let random: any RandomNumberGenerator & Sendable

    /// Makes a hasher; one serves the whole process.
    ///
    /// `random` is the source of salts and keys for BLAKE2b; the salts of Argon2id come from libsodium.
    ///
    /// - Throws: `CredentialsError.invalidParameter` for a setting outside of its range.
    package init(
        _ settings: Settings = Settings(), random: any RandomNumberGenerator & Sendable = SecureRandom()
    ) throws(CredentialsError) {
        try Self.check("Argon2id memory in bytes", settings.memoryBytes, 8192...(Argon2Cost.limit.memoryKiB << 10))
        try Self.check("Argon2id iterations", settings.iterations, 1...Argon2Cost.limit.iterations)
        try Self.check("password hash size in bytes", settings.digestBytes, 16...64)
        try Self.check("number of simultaneous hashes", settings.simultaneous, 1...1024)
        try Self.check("number of waiting hashes", settings.maximumWaiting, 0...65536)
        self.settings = settings
        self.random = random
        cost = Argon2Cost(memoryKiB: settings.memoryBytes >> 10, iterations: settings.iterations)
        queue = HashQueue(simultaneous: settings.simultaneous, maximumWaiting: settings.maximumWaiting)
    }

    /// Hashes under way and callers waiting at this moment.
    package var load: (running: Int, waiting: Int) { queue.load }

    /// A new hash of `password` for the store, with a salt of its own.
    ///
    /// - Throws: `busy`, `cancelled`, `outOfMemory`, or `passwordTooLong` above `Password.maximumBytes`.
    package func hash(
        _ password: Password, for claimant: HashClaimant? = nil
    ) async throws(CredentialsError) -> String {
        guard password.isAcceptable else { throw .passwordTooLong(limit: Password.maximumBytes) }
        switch settings.algorithm {
        case .argon2id:
            return try await queue.perform(for: claimant) { [cost] in Argon2.hash(password, cost: cost) }
        case .blake2b:
            var random = random
            let salt = random.nextBytes(LegacyHash.newSaltBytes)
            let key = random.nextBytes(LegacyHash.newKeyBytes)
            return try LegacyHash(password: password, salt: salt, key: key, size: settings.digestBytes).stored
        }
    }

    /// Whether `stored` is a hash of `password`.
    ///
    /// A refusal costs at least what a new hash costs, in whichever form the hash is stored. A password above
    /// `Password.maximumBytes` matches nothing.
    ///
    /// - Throws: `busy`, `cancelled`, `outOfMemory`, or `unreadableHash` for a text in neither form.
    package func verify(
        _ password: Password, against stored: String, for claimant: HashClaimant? = nil
    ) async throws(CredentialsError) -> Bool {
        guard password.isAcceptable else { return false }
        if let legacy = LegacyHash(stored: stored) {
            if legacy.matches(password) { return true }
            if settings.algorithm == .argon2id { try await verifyUnknown(password, for: claimant) }
            return false
        }
        guard let stated = Argon2Cost(stored: stored), stated.isWithinLimit else { throw .unreadableHash }
        return try await queue.perform(for: claimant) { Argon2.verify(password, against: stored) }
    }

    /// Draws an RSA key where passwords are hashed: it is as slow, and as many may wait.
    ///
    /// - Throws: `busy`, `cancelled`, `outOfMemory`.
    package func newKey() async throws(CredentialsError) -> RSAPrivateKey {
        try await queue.perform {
            guard let key = try? RSAPrivateKey() else { return .failure(.outOfMemory) }
            return .success(key)
        }
    }

    /// Costs what `verify` costs, for a login that does not exist: the time of the answer does not tell.
    ///
    /// - Throws: `busy`, `cancelled`, `outOfMemory`.
    package func verifyUnknown(
        _ password: Password, for claimant: HashClaimant? = nil
    ) async throws(CredentialsError) {
        guard password.isAcceptable else { return }
        switch settings.algorithm {
        case .argon2id:
            try await queue.perform(for: claimant) { [cost] in Argon2.spend(password, cost: cost) }
        case .blake2b:
            _ = try LegacyHash(password: password, salt: [], key: [0], size: settings.digestBytes)
        }
    }

    /// Whether a hash that has just been verified should be replaced by a new one: made in another way, or at another
    /// cost, than the settings say.
    package func needsRehash(_ stored: String) -> Bool {
        switch settings.algorithm {
        case .argon2id: Argon2Cost(stored: stored) != cost
        case .blake2b: LegacyHash(stored: stored)?.digest.count != settings.digestBytes
        }
    }

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(CredentialsError) {
        guard range.contains(value) else {
            throw .invalidParameter(
                "The \(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound).")
        }
    }
}
