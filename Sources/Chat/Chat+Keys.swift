// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Credentials
import Logging
package import Storage

extension Chat {
    /// The public keys of a kind that these accounts published; those without are missing.
    package func publicKeys(of users: [UserID], kind: String) async throws(ChatError) -> [UserID: String] {
        let records = try await reading { try await storage.keys(of: users, kind: kind) }
        return Dictionary(records.map { ($0.user, $0.publicKey) }, uniquingKeysWith: { _, last in last })
    }

    /// The key pair that the server holds for an account whose own clients have none of that kind.
    ///
    /// - Parameters:
    ///   - person: Whose it is.
    ///   - kind: Such as `fastchat`.
    ///   - createIfMissing: Whether to draw one when there is none, or none that the key file opens.
    /// - Returns: `nil` when there is none.
    /// - Throws: `.internalFailure` without a key file, or when the stored key cannot be opened with it and is not
    ///   replaced.
    package func serverHeldKey(
        of person: Person, kind: String, createIfMissing: Bool
    ) async throws(ChatError) -> RSAPrivateKey? {
        let user = person.id
        return try await heldKeys.key(
            named: HeldKeys.name(kind, of: person.uuid), makes: createIfMissing, isOnlyServer: isOnlyServer
        ) { () async throws(ChatError) in
            try await reading { try await storage.bridgeKey(of: user, kind: kind) }
        } put: { pair, old async throws(ChatError) in
            try await reading { try await storage.putBridgeKey(pair, of: user, kind: kind, replacing: old) }
        }
    }

    /// A key pair that belongs to all servers of the store, made when there is none.
    ///
    /// - Parameter name: Such as `balancer`.
    /// - Returns: The same on every server.
    /// - Throws: `.internalFailure` without a key file, or when the stored key cannot be opened with it and is not
    ///   replaced.
    package func serverKey(_ name: String) async throws(ChatError) -> RSAPrivateKey {
        let key = try await heldKeys.key(
            named: HeldKeys.name(ofServer: name), makes: true, isOnlyServer: isOnlyServer
        ) { () async throws(ChatError) in
            try await reading { try await storage.serverKey(name) }
        } put: { pair, old async throws(ChatError) in
            try await reading { try await storage.putServerKey(pair, name: name, replacing: old) }
        }
        guard let key else { throw .internalFailure }
        return key
    }

    /// Whether no other server that is alive shares the store.
    ///
    /// One whose key file is another one could otherwise take the keys away from those that have the right one.
    private func isOnlyServer() async throws(ChatError) -> Bool {
        guard policy.sharesStore else { return true }
        let own = policy.node.id
        return try await serverNodes().allSatisfy { $0.isSilent || $0.id == own }
    }
}

/// Opens and draws the key pairs that the server holds.
///
/// Of two that draw the same at once, the one that is stored first counts. A pair that the key file does not open,
/// since the file was lost, is of no more use to anything: the only server of the store draws another one in its place.
actor HeldKeys {
    private let sealer: Sealer?
    private let hasher: PasswordHasher
    private let logger: Logger
    /// Where keys are opened and sealed, which takes a millisecond or more.
    private let longWork: PageGate
    private var opened: RecentlyUsed<String, RSAPrivateKey>

    /// Keeps opened keys in about so many bytes of memory; without a `sealer` there are none.
    init(
        sealer: Sealer?, hasher: PasswordHasher, logger: Logger, longWork: PageGate, maximumBytes: Int = 64 << 20
    ) {
        self.sealer = sealer
        self.hasher = hasher
        self.logger = logger
        self.longWork = longWork
        opened = RecentlyUsed(capacity: maximumBytes)
    }

    /// What the private half of an account's key pair is sealed with.
    static func name(_ kind: String, of account: Identifier) -> String { "\(kind) \(account)" }

    /// What the private half of the servers' key pair is sealed with.
    static func name(ofServer name: String) -> String { "server \(name)" }

    /// The key of a pair that was sealed with a name; `nil` when the key file does not open it.
    static func key(_ pair: SealedKeyPair, named name: String, openedBy sealer: Sealer) -> RSAPrivateKey? {
        guard let bytes = try? sealer.open(pair.sealedPrivateKey, associatedData: Array(name.utf8)) else { return nil }
        return try? RSAPrivateKey(pem: String(decoding: bytes, as: UTF8.self))
    }

    private static func sealed(_ key: RSAPrivateKey, named name: String, with sealer: Sealer) -> SealedKeyPair? {
        var random = SecureRandom()
        let sealed = try? sealer.seal(Array(key.pem.utf8), associatedData: Array(name.utf8), using: &random)
        return sealed.map { SealedKeyPair(publicKey: key.publicKey.pem, sealedPrivateKey: $0) }
    }

    /// The key pair of a name; with `makes` one is drawn when there is none that can be opened.
    ///
    /// `put` stores a pair in the place of another one, or of none; `isOnlyServer` says whether it may take one's
    /// place.
    func key(
        named name: String, makes: Bool, isOnlyServer: @Sendable () async throws(ChatError) -> Bool,
        read: @Sendable () async throws(ChatError) -> SealedKeyPair?,
        put: @Sendable (SealedKeyPair, SealedKeyPair?) async throws(ChatError) -> SealedKeyPair
    ) async throws(ChatError) -> RSAPrivateKey? {
        if let known = opened.value(for: name) { return known }
        guard let sealer else { throw .internalFailure }
        var pair = try await read()
        var key: RSAPrivateKey?
        if let pair { key = await longWork.offLoop { Self.key(pair, named: name, openedBy: sealer) } }
        var isToBeDrawn = makes && pair == nil
        if pair != nil, key == nil {
            logger.error("A held key cannot be opened: is the key file another one?")
            if makes { isToBeDrawn = try await isOnlyServer() }
        }
        if isToBeDrawn {
            let drawn: RSAPrivateKey
            do { drawn = try await hasher.newKey() } catch { throw ChatError(error) }
            let sealed = await longWork.offLoop { Self.sealed(drawn, named: name, with: sealer) }
            guard let sealed else { throw .internalFailure }
            let old = pair
            let stored = try await put(sealed, old)
            if old != nil { logger.warning("A held key was drawn anew") }
            pair = stored
            key = await longWork.offLoop { Self.key(stored, named: name, openedBy: sealer) }
        }
        guard pair != nil else { return nil }
        guard let key else { throw .internalFailure }
        // Either half is there twice, each with what the library computes ahead: about eight times the key's text.
        opened.set(key, for: name, cost: 8 * key.pem.utf8.count)
        return key
    }
}
