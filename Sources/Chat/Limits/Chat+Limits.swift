// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Credentials
import Logging
package import Storage
import Synchronization

/// How often accounts and networks may do something, and how much they may have; asked once for all protocols.
extension Chat {
    /// Counts something that an account does.
    ///
    /// - Throws: `.tooManyRequests` when it comes too often.
    package func admit(_ action: LimitedAction, by principal: Principal) throws(ChatError) {
        try admit(action, user: principal.user, network: principal.network, over: principal.protocol)
    }

    func admit(
        _ action: LimitedAction, user: UserID?, network: IPAddress?, over protocol: String?
    ) throws(ChatError) {
        guard let refusal = limiter.take(action, user: user, network: network, now: nanoseconds()) else { return }
        metrics.refused(by: refusal.isOfAccount ? .account(action) : .address(action), over: `protocol`)
        throw .tooManyRequests(seconds: Self.wholeSeconds(refusal.wait))
    }

    /// Seconds to tell a client, rounded up.
    static func wholeSeconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0))
    }

    // MARK: Quotas

    /// Refuses a group or channel more than an account may own.
    func checkFlowQuota(of principal: Principal, public isPublic: Bool) async throws(ChatError) {
        for isPublicOnly in isPublic ? [false, true] : [false] {
            guard let limit = limiter.flows(of: principal.user, public: isPublicOnly) else { continue }
            let count = try await reading {
                try await storage.ownedFlows(of: principal.user, publicOnly: isPublicOnly, atMost: limit)
            }
            guard count < limit else {
                let what = isPublicOnly ? "public groups and channels" : "groups and channels"
                throw .notAllowed("This account owns \(limit) \(what), which is the most.")
            }
        }
    }

    /// Counts what a message takes, unless the account has stored all that it may.
    func spend(_ bytes: Int, by principal: Principal) async throws(ChatError) {
        let user = principal.user
        if mayStoreNow(bytes, by: principal) == nil {
            _ = try await reading { try await storedBytes.load(user) }
        }
        try spend(bytes, by: principal, isAllowed: mayStoreNow(bytes, by: principal) ?? true)
    }

    /// Whether an account may store so much more; `nil` if that has to be read first.
    func mayStoreNow(_ bytes: Int, by principal: Principal) -> Bool? {
        guard let limit = limiter.bytes(of: principal.user) else { return true }
        return storedBytes.known(principal.user).map { $0 + Int64(bytes) <= Int64(limit) }
    }

    /// Counts what a message takes, after `mayStoreNow` has said whether it may.
    func spend(_ bytes: Int, by principal: Principal, isAllowed: Bool) throws(ChatError) {
        guard isAllowed else {
            throw .notAllowed("The messages of this account take all the room that they may. Delete some.")
        }
        if limiter.bytes(of: principal.user) != nil { storedBytes.add(Int64(bytes), of: principal.user) }
    }

    /// Does something that stores what was counted, and gives the room back if it is not stored.
    func refunding<Value>(
        _ bytes: Int, to principal: Principal, _ body: () async throws -> Value
    ) async throws(ChatError) -> Value {
        do {
            return try await body()
        } catch {
            let error = ChatError(thrown: error)
            refund(bytes, to: principal, after: error)
            throw error
        }
    }

    /// Gives back the room of what was refused; what may have been stored keeps it.
    func refund(_ bytes: Int, to principal: Principal, after error: ChatError) {
        if error != .outcomeUnknown { refund(Int64(bytes), to: principal.user) }
    }

    /// Gives an account room back.
    package func refund(_ bytes: Int64, to user: UserID) {
        if limiter.bytes(of: user) != nil { storedBytes.add(-bytes, of: user) }
    }

    // MARK: Limits of single accounts

    /// Reads the limits that accounts have of their own.
    func loadLimits() async {
        do throws(StorageError) {
            for (user, text) in try await storage.accountLimits() { limiter.set(AccountLimits(text), of: user) }
        } catch {
            logger.error(
                "The limits of accounts could not be read", metadata: ["error": "\(String(reflecting: error))"])
        }
    }

    /// Reads an account's own limits again after they were changed.
    func reloadLimits(of user: UserID) async {
        do throws(StorageError) {
            limiter.set(try await storage.accountLimits(of: user).flatMap { AccountLimits($0) }, of: user)
        } catch {
            logger.error(
                "The limits of an account could not be read", metadata: ["error": "\(String(reflecting: error))"])
        }
    }

    /// Gives an account limits of its own; empty ones make it as others are.
    package func setLimits(
        _ limits: AccountLimits, of user: UserID, audit: AuditNote? = nil
    ) async throws(ChatError) {
        _ = try await write(Write.SetLimits(user, limits.isEmpty ? nil : limits.description), by: nil, audit: audit)
        limiter.set(limits.isEmpty ? nil : limits, of: user)
    }

    /// What is `nil` in them is as the server's settings say.
    package func ownLimits(of user: UserID) async throws(ChatError) -> AccountLimits {
        let text = try await reading { try await storage.accountLimits(of: user) }
        return text.flatMap { AccountLimits($0) } ?? AccountLimits()
    }

    /// What the messages of an account take in the store.
    package func storedBytes(of user: UserID) async throws(ChatError) -> Int64 {
        if let known = storedBytes.known(user) { return known }
        return try await reading { try await storedBytes.load(user) }
    }

    // MARK: Failed logins

    /// Whether a password may be checked now; asks the store about a pair that would have to wait.
    func loginDecision(
        account key: String, from origin: Origin
    ) async throws(ChatError) -> LoginThrottle<ContinuousClock.Instant>.Decision {
        let network = origin.network
        let decision = throttle.withLock { $0.decision(account: key, network: network, now: now()) }
        guard case .wait = decision,
            throttle.withLock({ $0.needsLookUp(account: key, network: network) })
        else { return decision }
        let addresses = try await reading { try await storage.loginAddresses(loginKey: key) }
        guard addresses.contains(where: { IPAddress($0)?.network == network }) else { return decision }
        return throttle.withLock { throttle in
            throttle.recall(account: key, network: network)
            return throttle.decision(account: key, network: network, now: now())
        }
    }
}
