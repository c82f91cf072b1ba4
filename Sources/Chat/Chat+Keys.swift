// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Credentials
import Logging
package import Storage

extension Chat {
    /// Publishes the principal's public key of a kind, in place of the one of the same device.
    package func publishKey(
        _ publicKey: String, kind: String, device: String = "", of principal: Principal
    ) async throws(ChatError) {
        try MessageContent.check(publicKey, "public_key", limit: ChatLimits.publicKeyBytes)
        try admit(.profileChange, by: principal)
        _ = try await write(
            .putKey(principal.user, device: device, kind: kind, publicKey: publicKey), by: principal.user)
    }

    /// The public keys of a kind that these accounts published; those without are missing.
    package func publicKeys(of users: [UserID], kind: String) async throws(ChatError) -> [UserID: String] {
        let records = try await reading { () async throws(StorageError) in
            try await storage.keys(of: users, kind: kind)
        }
        return Dictionary(records.map { ($0.user, $0.publicKey) }, uniquingKeysWith: { _, last in last })
    }

    /// The key pair that the server holds for somebody whose own clients have none of that kind.
    ///
    /// - Parameters:
    ///   - person: Whose it is.
    ///   - kind: Such as `fastchat`.
    ///   - createIfMissing: Whether to draw one when there is none.
    /// - Returns: `nil` when there is none.
    /// - Throws: `.internalFailure` without a key file, or when a stored key cannot be opened with it.
    package func serverHeldKey(
        of person: Person, kind: String, createIfMissing: Bool
    ) async throws(ChatError) -> RSAPrivateKey? {
        let user = person.id
        return try await heldKeys.key(
            named: "\(kind) \(person.uuid)", makes: createIfMissing, chat: self,
            read: { () async throws(StorageError) in try await self.storage.bridgeKey(of: user, kind: kind) },
            put: { (pair) async throws(StorageError) in
                try await self.storage.putBridgeKey(pair, of: user, kind: kind)
            })
    }

    /// A key pair that belongs to all servers of the store, made when there is none.
    ///
    /// - Parameter name: Such as `balancer`.
    /// - Returns: The same on every server.
    /// - Throws: `.internalFailure` without a key file, or when the stored key cannot be opened with it.
    package func serverKey(_ name: String) async throws(ChatError) -> RSAPrivateKey {
        let key = try await heldKeys.key(
            named: "server \(name)", makes: true, chat: self,
            read: { () async throws(StorageError) in try await self.storage.serverKey(name) },
            put: { (pair) async throws(StorageError) in try await self.storage.putServerKey(pair, name: name) })
        guard let key else { throw .internalFailure }
        return key
    }
}

/// Opens and draws the key pairs that the server holds.
///
/// Of two that draw the same at once, the one that is stored first counts.
actor HeldKeys {
    /// How many opened keys are kept in memory.
    private static let capacity = 10_000

    private var opened = RecentlyUsed<String, RSAPrivateKey>(capacity: HeldKeys.capacity)

    /// The key pair of a name, which its private half is sealed with; with `makes` one is drawn when there is none.
    func key(
        named name: String, makes: Bool, chat: Chat, read: @Sendable () async throws(StorageError) -> SealedKeyPair?,
        put: @Sendable (SealedKeyPair) async throws(StorageError) -> SealedKeyPair
    ) async throws(ChatError) -> RSAPrivateKey? {
        if let known = opened.value(for: name) { return known }
        guard let sealer = chat.policy.sealer else { throw .internalFailure }
        let associated = Array(name.utf8)
        var pair = try await chat.reading(read)
        if pair == nil, makes {
            let drawn: RSAPrivateKey
            do { drawn = try await chat.hasher.newKey() } catch { throw ChatError(error) }
            var random = SecureRandom()
            guard
                let sealed = try? sealer.seal(Array(drawn.pem.utf8), associatedData: associated, using: &random)
            else { throw .internalFailure }
            pair = try await chat.reading { @Sendable () async throws(StorageError) in
                try await put(SealedKeyPair(publicKey: drawn.publicKey.pem, sealedPrivateKey: sealed))
            }
        }
        guard let pair else { return nil }
        guard let bytes = try? sealer.open(pair.sealedPrivateKey, associatedData: associated),
            let key = try? RSAPrivateKey(pem: String(decoding: bytes, as: UTF8.self))
        else {
            chat.logger.error("A held key cannot be opened: is the key file another one?")
            throw .internalFailure
        }
        opened.set(key, for: name)
        return key
    }
}
