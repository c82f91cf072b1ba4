// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Credentials
import Logging
package import Storage
import Synchronization

/// Logins of administrators to the panel.
extension Chat {
    /// The administrator of a name, a password and, where there is a second factor, its code.
    ///
    /// Failures are counted and slowed down as those of accounts are, for each administrator and network. Nothing tells
    /// an unknown name, a wrong password and a wrong code apart.
    ///
    /// - Throws: `.wrongPassword`, `.tooManyAttempts`, `.busy`.
    package func checkAdministrator(
        name: String, password: Password, code: String, from origin: Origin
    ) async throws(ChatError) -> AdminRecord {
        guard name.utf8.count <= ChatLimits.usernameBytes, !name.utf8.contains(0) else { throw .wrongPassword }
        // No account's login has this character.
        let key = "\u{1}administrator \(name)"
        try admit(.login, user: nil, network: origin.network, over: origin.protocol)
        if case .wait(let duration) = try await loginDecision(account: key, from: origin) {
            throw .tooManyAttempts(seconds: Self.wholeSeconds(duration))
        }
        let found = try await reading { try await storage.admin(username: name) }
        let claimant = HashClaimant(account: found?.user?.rawValue, network: origin.network)
        var isRight = false
        do {
            if let found {
                isRight = try await hasher.verify(password, against: found.passwordHash, for: claimant)
            } else {
                // As long as it takes for one that exists.
                _ = try await hasher.hash(password, for: claimant)
            }
        } catch {
            throw ChatError(error)
        }
        if isRight, let found, found.totpSecret != nil {
            isRight = try await acceptsSecondFactor(code, of: found)
        }
        guard isRight, let found else {
            throttle.withLock { $0.failed(account: key, network: origin.network, exists: found != nil, now: now()) }
            throw .wrongPassword
        }
        throttle.withLock { $0.succeeded(account: key, network: origin.network) }
        return found
    }

    /// The secret of an administrator's second factor for the store; `nil` without a key file.
    package func seal(_ factor: TOTP, of administrator: String) -> [UInt8]? {
        guard let sealer = policy.sealer else { return nil }
        var random = SecureRandom()
        return try? sealer.seal(factor.bytes, associatedData: Self.sealName(administrator), using: &random)
    }

    /// Whether a code is right for an administrator with a second factor, and was not used before.
    ///
    /// A right one is used up, with all earlier ones. Without a second factor nothing is right. A secret that the key
    /// file does not open lets no administrator in; `manage superuser-totp` makes a new one.
    package func acceptsSecondFactor(_ code: String, of administrator: AdminRecord) async throws(ChatError) -> Bool {
        guard administrator.totpSecret != nil, policy.sealer != nil else { return false }
        guard let factor = secondFactor(of: administrator) else {
            logger.error("A sealed secret cannot be opened: is the key file another one?")
            return false
        }
        let now = storage.currentTime().milliseconds / 1000
        guard let step = factor.step(of: code, at: now) else { return false }
        return try await reading { try await storage.takeTOTPStep(step, of: administrator.username) }
    }

    /// Whether the key file opens an administrator's second factor.
    package func opensSecondFactor(of administrator: AdminRecord) -> Bool { secondFactor(of: administrator) != nil }

    private func secondFactor(of administrator: AdminRecord) -> TOTP? {
        guard let sealed = administrator.totpSecret, let sealer = policy.sealer else { return nil }
        let bytes = try? sealer.open(sealed, associatedData: Self.sealName(administrator.username))
        return bytes.flatMap { TOTP(bytes: $0) }
    }

    private static func sealName(_ administrator: String) -> [UInt8] { Array("totp \(administrator)".utf8) }
}
