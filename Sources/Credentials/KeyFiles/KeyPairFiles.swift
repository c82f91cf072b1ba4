// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// An RSA key pair in two files: `NAME_public.pem`, and `NAME_private.pem` with mode 0600, both PKCS#1.
package struct KeyPairFiles: Sendable {
    /// Where the public key is.
    package let publicPath: String
    /// Where the private key is.
    package let privatePath: String

    /// Names the two files; nothing is opened.
    ///
    /// - Parameter name: What stands before `_public.pem`, with a folder if need be.
    /// - Throws: `KeyFileError` with code `badName`.
    package init(name: String) throws(KeyFileError) {
        guard KeyFileAccess.isUsable(name) else { throw .badName(name) }
        publicPath = "\(name)_public.pem"
        privatePath = "\(name)_private.pem"
    }

    /// The private key, or `nil` when its file is missing.
    ///
    /// - Returns: The key, with its public half.
    /// - Throws: `KeyFileError` when a file cannot be read, others can read the private one, one is damaged, or the
    ///   public one belongs to another key.
    package func privateKey() throws(KeyFileError) -> RSAPrivateKey? {
        guard let text = try text(privatePath, isSecret: true) else { return nil }
        let key: RSAPrivateKey
        do {
            key = try RSAPrivateKey(pem: text)
        } catch {
            throw .damaged(privatePath, "\(error)")
        }
        if let known = try storedPublicKey(), known != key.publicKey {
            throw .damaged(publicPath, "it does not belong to \(privatePath)")
        }
        return key
    }

    /// The public key from its file, otherwise from that of the private key; `nil` when both are missing.
    ///
    /// - Returns: The key.
    /// - Throws: `KeyFileError` when the file cannot be read or is damaged.
    package func publicKey() throws(KeyFileError) -> RSAPublicKey? {
        if let key = try storedPublicKey() { return key }
        return try privateKey()?.publicKey
    }

    /// Writes both files, the private one first; neither may exist yet.
    ///
    /// - Parameters:
    ///   - key: The pair.
    ///   - random: Source of names for the files while they are written.
    /// - Throws: `KeyFileError` with code `exists` or `uncreatable`.
    package func write(_ key: RSAPrivateKey, using random: inout some RandomNumberGenerator) throws(KeyFileError) {
        guard try KeyFileAccess.read(publicPath, maximumBytes: RSAPublicKey.maximumPEMBytes, isSecret: false) == nil
        else { throw .exists(publicPath) }
        guard try KeyFileAccess.create(privatePath, Array(key.pem.utf8), mode: 0o600, using: &random) else {
            throw .exists(privatePath)
        }
        guard
            try KeyFileAccess.create(publicPath, Array((key.publicKey.pem + "\n").utf8), mode: 0o644, using: &random)
        else { throw .exists(publicPath) }
    }

    private func storedPublicKey() throws(KeyFileError) -> RSAPublicKey? {
        guard let text = try text(publicPath, isSecret: false) else { return nil }
        do {
            return try RSAPublicKey(pem: text)
        } catch {
            throw .damaged(publicPath, "\(error)")
        }
    }

    private func text(_ path: String, isSecret: Bool) throws(KeyFileError) -> String? {
        guard
            let bytes = try KeyFileAccess.read(path, maximumBytes: RSAPrivateKey.maximumPEMBytes, isSecret: isSecret)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
