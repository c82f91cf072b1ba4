// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds
package import Credentials
import Logging
package import Storage
import Synchronization

/// A fresh login: the only place where a token is seen in clear.
package struct NewLogIn: Sendable {
    package var principal: Principal
    package var token: String
    package var lifetimeSeconds: Int64
}

/// Where a request comes from, for sessions and for the slow-down of failed logins.
package struct Origin: Sendable {
    /// Such as `mtp`.
    package var `protocol`: String
    /// The peer's address without its port.
    package let address: String
    /// What one subscriber has, for limits: the address, or the /64 network of one of version 6.
    package let network: IPAddress
    /// Whether a login is for the connection only, so that its session ends with it.
    package var endsWithConnection: Bool

    package init(protocol: String, address: String, endsWithConnection: Bool = false) {
        self.protocol = `protocol`
        self.address = address
        network = IPAddress(address)?.network ?? .unspecified
        self.endsWithConnection = endsWithConnection
    }
}

extension Chat {
    /// Creates an account and logs it in; with `key` the account has that public key from the start.
    ///
    /// - Throws: `.registrationClosed`, `.credentialsMissing`, `.invalidLogin`, `.loginTaken`, `.tooLong`, `.busy`.
    package func register(
        login: String, password: Password, username: String?, email: String?, invite: String? = nil,
        key: NewKey? = nil, from origin: Origin
    ) async throws(ChatError) -> NewLogIn {
        try checkTakesWrites(over: origin.protocol)
        if policy.registration != .closed {
            try admit(.registration, user: nil, network: origin.network, over: origin.protocol)
        }
        try MessageContent.check(key?.publicKey ?? "", "public_key", limit: ChatLimits.publicKeyBytes)
        var use: Write.RegisterUser.InviteUse?
        switch policy.registration {
        case .open: break
        case .closed: throw .registrationClosed
        case .invite:
            guard let invite, !invite.isEmpty else { throw .inviteNeeded }
            let (hash, time) = (TokenHash(of: invite).bytes, storage.currentTime())
            // Before the password costs anything; the write decides for good.
            let known = try await reading { try await storage.invite(codeHash: hash) }
            guard let known, known.isValid(at: time) else { throw .inviteInvalid }
            use = Write.RegisterUser.InviteUse(codeHash: hash, at: time)
        }
        let login = try Login(login)
        guard !password.isEmpty else { throw .credentialsMissing }
        guard !login.isReserved else { throw .loginTaken }
        // A taken login is told before the password costs anything; the insert decides for good.
        if try await reading({ try await storage.user(loginKey: login.key) }) != nil {
            throw .loginTaken
        }
        var user = try await newUser(
            login: login, password: password, username: username, email: email,
            for: HashClaimant(network: origin.network))
        user.key = key
        let token = newToken()
        let receipt = try await write(
            Write.RegisterUser(user, session: newSession(token, origin), invite: use), by: nil, over: origin.protocol)
        metrics.registered(over: origin.protocol)
        return logIn(
            receipt.result.user, user.uuid, receipt.result.session, token, at: receipt.time, from: origin)
    }

    /// An account ready to be written: checked, its password hashed.
    package func newUser(
        login: Login, password: Password, username: String? = nil, email: String? = nil, isBot: Bool = false,
        isHidden: Bool = false, for claimant: HashClaimant? = nil
    ) async throws(ChatError) -> NewUser {
        let username = username ?? login.text
        try MessageContent.check(username, "username", limit: ChatLimits.usernameBytes)
        try MessageContent.check(email ?? "", "email", limit: ChatLimits.emailBytes)
        try EmailAddress.check(email ?? "")
        let uuid = newIdentifier()
        return NewUser(
            uuid: uuid, login: login.text, loginKey: login.key, username: username,
            passwordHash: try await hash(password, for: claimant), isBot: isBot, isHidden: isHidden, email: email ?? "",
            challengeSecret: challengeSecret(password, of: uuid))
    }

    /// What lets skaro's clients log in with a password that is seen in clear now; `nil` when that is switched off.
    package func challengeSecret(_ password: Password, of account: Identifier) -> [UInt8]? {
        guard let sealer = policy.sealer else { return nil }
        var random = SecureRandom()
        // The only thing that can be refused is the length, which is fixed.
        return try? sealer.seal(
            HMACChallenge(password).bytes, associatedData: Array(account.description.utf8), using: &random)
    }

    /// The password's hash after the settings.
    package func hash(
        _ password: Password, for claimant: HashClaimant? = nil
    ) async throws(ChatError) -> String {
        do { return try await hasher.hash(password, for: claimant) } catch { throw ChatError(error) }
    }

    /// Checks login and password and opens a session.
    ///
    /// - Throws: `.noSuchLogin`, `.wrongPassword`, `.tooManyAttempts`, `.credentialsMissing`, `.busy`.
    package func logIn(
        login: String, password: Password, from origin: Origin
    ) async throws(ChatError) -> NewLogIn {
        let user = try await checkPassword(login: login, password: password, from: origin)
        let token = newToken()
        let receipt = try await write(
            Write.OpenSession(user.id, newSession(token, origin), verified: user.passwordHash), by: user.id,
            over: origin.protocol)
        return logIn(user.id, user.uuid, receipt.result, token, at: receipt.time, from: origin)
    }

    /// The account of a login and password; failures are counted, and slowed down for every protocol alike.
    package func checkPassword(
        login: String, password: Password, from origin: Origin
    ) async throws(ChatError) -> UserRecord {
        guard !login.isEmpty, !password.isEmpty else { throw .credentialsMissing }
        guard login.utf8.count <= ChatLimits.loginBytes, !login.utf8.contains(0) else { throw .noSuchLogin }
        var user = try await throttledUser(login: login, from: origin)
        let claimant = HashClaimant(account: user.id.rawValue, network: origin.network)
        let isRight: Bool
        do {
            isRight = try await hasher.verify(password, against: user.passwordHash, for: claimant)
        } catch {
            metrics.login(.busy, over: origin.protocol)
            throw ChatError(error)
        }
        guard isRight else { throw failed(user.loginKey, from: origin) }
        try succeeded(user, from: origin)
        if hasher.needsRehash(user.passwordHash) {
            let newer = try await hash(password, for: claimant)
            _ = try await write(
                Write.UpgradePasswordHash(
                    user.id, hash: newer, replacing: user.passwordHash,
                    challengeSecret: challengeSecret(password, of: user.uuid)),
                by: user.id)
            user.passwordHash = newer
        } else if !opensChallengeSecret(of: user), let secret = challengeSecret(password, of: user.uuid) {
            _ = try await write(Write.SetChallengeSecret(user.id, secret, verified: user.passwordHash), by: user.id)
        }
        return user
    }

    /// Whether the account has a skaro secret that the key file opens; one that it does not is sealed anew.
    package func opensChallengeSecret(of user: UserRecord) -> Bool {
        guard let sealed = user.challengeSecret, let sealer = policy.sealer else { return false }
        let bytes = try? sealer.open(sealed, associatedData: Array(user.uuid.description.utf8))
        return bytes.flatMap { HMACChallenge(bytes: $0) } != nil
    }

    /// Checks the answer to a challenge that is keyed with the password, and opens a session.
    ///
    /// - Throws: `.noSuchLogin`, `.wrongPassword`, `.tooManyAttempts`, `.challengeUnavailable`.
    package func logIn(
        login: String, answer: String, to challenge: String, from origin: Origin
    ) async throws(ChatError) -> NewLogIn {
        guard !login.isEmpty else { throw .credentialsMissing }
        guard login.utf8.count <= ChatLimits.loginBytes, !login.utf8.contains(0) else { throw .noSuchLogin }
        let user = try await throttledUser(login: login, from: origin)
        guard let sealed = user.challengeSecret, let sealer = policy.sealer else { throw .challengeUnavailable }
        guard let bytes = try? sealer.open(sealed, associatedData: Array(user.uuid.description.utf8)),
            let secret = HMACChallenge(bytes: bytes)
        else {
            logger.error("A sealed secret cannot be opened: is the key file another one?")
            throw .challengeUnavailable
        }
        guard secret.accepts(answer, to: challenge) else { throw failed(user.loginKey, from: origin) }
        try succeeded(user, from: origin)
        let token = newToken()
        let receipt = try await write(
            Write.OpenSession(user.id, newSession(token, origin), verified: user.passwordHash), by: user.id,
            over: origin.protocol)
        return logIn(user.id, user.uuid, receipt.result, token, at: receipt.time, from: origin)
    }

    /// The account to check a secret of, unless too many checks failed.
    private func throttledUser(login: String, from origin: Origin) async throws(ChatError) -> UserRecord {
        let key = Login.key(of: login)
        try admitLogin(of: nil, from: origin)
        if case .wait(let duration) = try await loginDecision(account: key, from: origin) {
            metrics.login(.throttled, over: origin.protocol)
            throw .tooManyAttempts(seconds: Self.wholeSeconds(duration))
        }
        let found = try await reading { try await storage.user(loginKey: key) }
        guard let user = found, user.deleted == nil else {
            throttle.withLock { $0.failed(account: key, network: origin.network, exists: false, now: now()) }
            metrics.login(.unknownLogin, over: origin.protocol)
            throw .noSuchLogin
        }
        return user
    }

    /// Notes that a secret was right; an account gives only so many, so that others' wrong ones do not shut it out.
    private func succeeded(_ user: UserRecord, from origin: Origin) throws(ChatError) {
        throttle.withLock { $0.succeeded(account: user.loginKey, network: origin.network) }
        try admitLogin(of: user.id, from: origin)
        metrics.login(.success, over: origin.protocol)
    }

    /// Counts a login of an account, or of the address that it comes from.
    private func admitLogin(of user: UserID?, from origin: Origin) throws(ChatError) {
        do {
            try admit(.login, user: user, network: user == nil ? origin.network : nil, over: origin.protocol)
        } catch {
            metrics.login(.throttled, over: origin.protocol)
            throw error
        }
    }

    private func failed(_ key: String, from origin: Origin) -> ChatError {
        throttle.withLock { $0.failed(account: key, network: origin.network, now: now()) }
        metrics.login(.wrongPassword, over: origin.protocol)
        logger.debug("Wrong password", metadata: ["address": "\(origin.address)", "protocol": "\(origin.protocol)"])
        return .wrongPassword
    }

    /// Opens a session without a password: for the server's own bot.
    package func openSession(
        for user: UserRecord, lifetimeSeconds: Int64, from origin: Origin, audit: AuditNote? = nil
    ) async throws(ChatError) -> NewLogIn {
        if user.isHidden { metrics.leaveOut(user.id) }
        let token = newToken()
        var session = newSession(token, origin)
        session.lifetimeSeconds = lifetimeSeconds
        let receipt = try await write(Write.OpenSession(user.id, session), by: nil, audit: audit)
        var logIn = logIn(user.id, user.uuid, receipt.result, token, at: receipt.time, from: origin)
        logIn.lifetimeSeconds = lifetimeSeconds
        logIn.principal.expires = Timestamp(milliseconds: receipt.time.milliseconds + lifetimeSeconds * 1000)
        return logIn
    }

    /// Who the holder of a token is, who claims to be `uuid`.
    ///
    /// No read for a token seen before. Refusals: `.tokenUnknown`, `.tokenExpired`, `.tokenRevoked`, `.accountDeleted`.
    package func principal(
        uuid: Identifier, token: TokenHash, from origin: Origin? = nil
    ) async throws(ChatError) -> Principal {
        if let known = knownPrincipal(uuid: uuid, token: token, from: origin) { return known }
        let time = storage.currentTime()
        // Who has no token yet asks the store as often as an address may read.
        if let origin { try admit(.read, user: nil, network: origin.network, over: origin.protocol) }
        let generation = cache.generation
        let found = try await reading { try await storage.session(tokenHash: token.bytes) }
        guard let (session, user) = found, user.uuid == uuid else { throw .tokenUnknown }
        if user.deleted != nil { throw .accountDeleted }
        if session.revoked != nil { throw .tokenRevoked }
        guard session.expires > time else { throw .tokenExpired }
        var principal = Principal(user: user.id, uuid: user.uuid, session: session.id, expires: session.expires)
        cache.remember(principal, for: token, readAt: generation)
        principal.network = origin?.network
        principal.protocol = origin?.protocol
        principal.isResumed = true
        return principal
    }

    /// The same if it is in memory, at once.
    package func knownPrincipal(uuid: Identifier, token: TokenHash, from origin: Origin?) -> Principal? {
        guard var known = cache.principal(token), known.uuid == uuid else { return nil }
        guard known.expires > storage.currentTime() else {
            cache.forget(token)
            return nil
        }
        known.network = origin?.network
        known.protocol = origin?.protocol
        known.isResumed = true
        return known
    }

    /// Reads what an answer shows when there is a place for it.
    ///
    /// The session may have ended meanwhile: then there is no answer, because what was read may be from after that.
    ///
    /// - Returns: `nil` when the connection was gone before anything was read.
    /// - Throws: `.tokenUnknown`, `.tokenExpired`, `.tokenRevoked`, `.accountDeleted`.
    package func page<Value>(
        for principal: Principal, token: TokenHash, _ body: () async -> Value
    ) async throws(ChatError) -> Value? {
        guard let page = await pages.page(body) else { return nil }
        _ = try await self.principal(uuid: principal.uuid, token: token)
        return page
    }

    /// The session of a token, taken up again on another connection: within `seconds` of the last time it was used.
    ///
    /// - Throws: `.tokenUnknown`, `.tokenExpired`, `.tokenRevoked`, `.accountDeleted`.
    package func restore(
        token: TokenHash, within seconds: Int64, from origin: Origin? = nil
    ) async throws(ChatError) -> Principal {
        if let origin { try admit(.read, user: nil, network: origin.network, over: origin.protocol) }
        let found = try await reading { try await storage.session(tokenHash: token.bytes) }
        guard let (session, user) = found else { throw .tokenUnknown }
        if user.deleted != nil { throw .accountDeleted }
        if session.revoked != nil { throw .tokenRevoked }
        let time = storage.currentTime()
        let used = [session.lastSeen, cursors.lastSeen(session.id) ?? session.lastSeen]
        let isFresh =
            hub.isConnected(user.id, session: session.id)
            || used.contains { $0.isRecent(within: seconds * 1000, at: time) }
        guard session.expires > time, isFresh else { throw .tokenExpired }
        return Principal(
            user: user.id, uuid: user.uuid, session: session.id, expires: session.expires, network: origin?.network,
            protocol: origin?.protocol, isResumed: true)
    }

    /// Ends the principal's own session; its connections are closed.
    package func logOut(_ principal: Principal, audit: AuditNote? = nil) async throws(ChatError) {
        _ = try await write(
            Write.RevokeSessions(principal.user, principal.session), by: principal.user, over: principal.protocol,
            audit: audit)
    }

    /// Changes the principal's own public data; `nil` leaves a field as it is.
    package func updateProfile(
        of principal: Principal, username: String? = nil, email: String? = nil, bio: String? = nil,
        avatar: String? = nil
    ) async throws(ChatError) {
        try MessageContent.check(username ?? "", "name", limit: ChatLimits.usernameBytes)
        try MessageContent.check(email ?? "", "email", limit: ChatLimits.emailBytes)
        try EmailAddress.check(email ?? "")
        try MessageContent.check(bio ?? "", "bio", limit: ChatLimits.bioBytes)
        try MessageContent.check(avatar ?? "", "avatar", limit: ChatLimits.avatarBytes)
        let changes = UserChanges(username: username, email: email, avatar: avatar, bio: bio)
        try admit(.profileChange, by: principal)
        _ = try await write(Write.UpdateUser(principal.user, changes), by: principal)
    }

    /// The accounts with these uuids, in order.
    ///
    /// - Throws: `.noSuchUser` if one is unknown.
    package func users(_ uuids: [Identifier]) async throws(ChatError) -> [UserRecord] {
        let found = try await reading { try await storage.users(uuids: uuids) }
        guard found.count == uuids.count, !found.contains(where: \.isHidden) else { throw .noSuchUser }
        return found
    }

    /// One's own account, as `user_info` shows it.
    package func user(_ principal: Principal) async throws(ChatError) -> UserRecord {
        guard let user = try await reading({ try await storage.user(principal.user) })
        else { throw .noSuchUser }
        return user
    }

    /// Deletes the principal's own account, confirmed by login and password.
    package func deleteAccount(
        of principal: Principal, login: String, password: Password, from origin: Origin
    ) async throws(ChatError) {
        let user = try await checkPassword(login: login, password: password, from: origin)
        guard user.id == principal.user else { throw .wrongPassword }
        _ = try await write(Write.DeleteUser(user.id), by: principal)
    }

    private func newToken() -> Token {
        var random = SecureRandom()
        return Token(byteCount: policy.tokenBytes, using: &random)
    }

    private func newSession(_ token: Token, _ origin: Origin) -> NewSession {
        NewSession(
            tokenHash: token.hash.bytes, protocol: origin.protocol, address: origin.address,
            lifetimeSeconds: policy.tokenLifetimeSeconds, node: policy.node.id,
            endsWithConnection: origin.endsWithConnection)
    }

    private func logIn(
        _ user: UserID, _ uuid: Identifier, _ session: SessionID, _ token: Token, at time: Timestamp,
        from origin: Origin
    ) -> NewLogIn {
        let lifetime = policy.tokenLifetimeSeconds
        let principal = Principal(
            user: user, uuid: uuid, session: session,
            expires: Timestamp(milliseconds: time.milliseconds + lifetime * 1000), network: origin.network,
            protocol: origin.protocol)
        return NewLogIn(principal: principal, token: token.text, lifetimeSeconds: lifetime)
    }
}

extension ChatError {
    init(_ error: CredentialsError) {
        switch error {
        case .busy, .cancelled: self = .busy
        case .passwordTooLong(let limit): self = .tooLong(field: "password", limit: limit)
        case .outOfMemory: self = .busy
        case .unreadableHash: self = .wrongPassword
        case .invalidParameter: self = .internalFailure
        }
    }
}
