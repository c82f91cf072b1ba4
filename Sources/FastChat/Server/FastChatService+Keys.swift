// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import Credentials
import Storage
import Synchronization

/// Remembers keys that never change: the balancer's, and which accounts have published one.
final class FastChatKnownKeys: Sendable {
    private let known: Mutex<RecentlyUsed<UserID, Void>>
    private let balancer = Mutex<RSAPublicKey?>(nil)

    /// Remembers so many accounts: those that were asked for last.
    init(capacity: Int = 100_000) {
        known = Mutex(RecentlyUsed(capacity: capacity))
    }

    /// The balancer's key, once it was read.
    var balancerKey: RSAPublicKey? {
        get { balancer.withLock { $0 } }
        set { balancer.withLock { $0 = newValue } }
    }

    /// Those of `users` who are known to have one.
    func known(of users: [UserID]) -> Set<UserID> {
        known.withLock { known in Set(users.filter { known.value(for: $0) != nil }) }
    }

    func remember(_ users: some Sequence<UserID>) {
        known.withLock { known in
            for user in users { known.set((), for: user) }
        }
    }
}

extension FastChatService {
    /// How many accounts' keys are read at a time.
    private static let keysPerRead = 500
    /// For how many members of a group without a key the server gives one; what it opens for one of them all read.
    static let heldKeysPerGroup = 8

    /// The public keys that these accounts published, in PEM form.
    func publishedKeys(of users: [UserID]) async throws(ChatError) -> [UserID: String] {
        var keys: [UserID: String] = [:]
        var rest = users[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(Self.keysPerRead))
            rest = rest.dropFirst(some.count)
            keys.merge(try await chat.publicKeys(of: some, kind: Self.name)) { _, new in new }
        }
        knownKeys.remember(keys.keys)
        return keys
    }

    /// Those of `users` who published a key.
    func withKey(_ users: [UserID]) async throws(ChatError) -> Set<UserID> {
        let known = knownKeys.known(of: users)
        let unknown = users.filter { !known.contains($0) }
        guard !unknown.isEmpty else { return known }
        return known.union(try await publishedKeys(of: unknown).keys)
    }

    /// The key pair that the server holds for an account.
    func serverHeldKey(of person: Person, createIfMissing: Bool) async throws(ChatError) -> RSAPrivateKey? {
        try await chat.serverHeldKey(of: person, kind: Self.name, createIfMissing: createIfMissing)
    }

    /// The key with which messages to an account are encrypted.
    ///
    /// - Returns: `nil` when no account has that number, or it has no key and none is held for it.
    func key(of number: FastChatUserNumber) async throws(ChatError) -> String? {
        let person: Person
        do {
            person = try await chat.person(publicNumber: number.rawValue)
        } catch .noSuchUser {
            return nil
        }
        if let published = try await publishedKeys(of: [person.id])[person.id] { return published }
        guard options.isBridged else { return nil }
        return try await serverHeldKey(of: person, createIfMissing: true)?.publicKey.pem
    }

    /// The keys to write to a group with.
    ///
    /// Members without a key have held ones; when they are many, only some of them. To a public group everybody writes
    /// with the key that is held for its owner.
    ///
    /// - Returns: `nil` when the principal is no member.
    /// - Throws: What the store says, and `.internalFailure` without a key file.
    func keys(
        of number: FastChatGroupNumber, for principal: Principal
    ) async throws(ChatError) -> [FastChatKeysReply.Key]? {
        let flow: FlowAccess
        do {
            flow = try await group(number, for: principal)
        } catch .noSuchFlow {
            return nil
        }
        if flow.isPublic {
            guard options.isBridged else { return nil }
            let owner = try await chat.person(flow.owner)
            guard let held = try await serverHeldKey(of: owner, createIfMissing: true) else { return nil }
            return [FastChatKeysReply.Key(user: FastChatUserNumber(owner), pem: held.publicKey.pem)]
        }
        let members = flow.members.filter { $0 != principal.user }.sorted()
        let published = try await publishedKeys(of: members)
        var keys: [FastChatKeysReply.Key] = []
        var held = 0
        for member in members {
            let person = try await chat.person(member)
            guard !person.isDeleted else { continue }
            if let pem = published[member] {
                keys.append(FastChatKeysReply.Key(user: FastChatUserNumber(person), pem: pem))
            } else if options.isBridged, held < Self.heldKeysPerGroup {
                guard let key = try await serverHeldKey(of: person, createIfMissing: true) else { continue }
                held += 1
                keys.append(FastChatKeysReply.Key(user: FastChatUserNumber(person), pem: key.publicKey.pem))
            }
        }
        return keys
    }

    /// A group or channel by its number; a chat of two has none.
    func group(_ number: FastChatGroupNumber, for principal: Principal) async throws(ChatError) -> FlowAccess {
        let flow = try await chat.flow(row: number.rawValue, for: principal)
        guard flow.kind != .chat else { throw .noSuchFlow }
        return flow
    }

    /// Whether the server can read nothing that is written to a group with its members' keys.
    func isEndToEnd(_ flow: FlowAccess) async throws(ChatError) -> Bool {
        guard !flow.isBridged, !flow.isPublic else { return false }
        return try await withKey(Array(flow.members)).count == flow.members.count
    }
}

extension FastChatUserNumber {
    init(_ person: Person) {
        self.init(person.publicNumber)
    }
}

extension FastChatGroupNumber {
    init(_ flow: FlowID) {
        self.init(flow.rawValue)
    }
}
