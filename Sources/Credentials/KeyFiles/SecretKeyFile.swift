// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The file with the keys that seal secrets in the database, `[SECRETS] KEY_FILE`.
///
/// It has mode 0600. Lines with `#` explain; every other line is one key as 64 hexadecimal digits, a colon, and the
/// first 8 digits of its SHA-256, which show damage. To change the key, move the file away, let a new one be made, and
/// append the old lines to it: the first key seals, all open.
package struct SecretKeyFile: Sendable {
    private static let maximumBytes = 65536
    private static let checkDigits = 8

    /// Where the file is.
    package let path: String

    /// Names a file; nothing is opened.
    package init(path: String) {
        self.path = path
    }

    /// The sealer with the file's keys; makes the file with one random key when there is none.
    ///
    /// Of several processes that make it at once one succeeds, and all get its key.
    ///
    /// - Throws: `KeyFileError` when the file cannot be read or made, others can read it, or it is damaged.
    package func sealer(using random: inout some RandomNumberGenerator) throws(KeyFileError) -> Sealer {
        if let sealer = try existingSealer() { return sealer }
        let text = """
            # The keys that seal secrets in the database. Keep a copy of this file apart from copies of the database.
            # To change the key, move this file away, start the server, and append the lines below to the new file.
            \(Self.line(random.nextBytes(Sealer.keyBytes)))

            """
        _ = try KeyFileAccess.create(path, Array(text.utf8), mode: 0o600, using: &random)
        guard let sealer = try existingSealer() else { throw .damaged(path, "it has been removed at once") }
        return sealer
    }

    /// The sealer with the file's keys, or `nil` when there is no file.
    ///
    /// - Returns: The sealer.
    /// - Throws: `KeyFileError` when the file cannot be read, others can read it, or it is damaged.
    package func existingSealer() throws(KeyFileError) -> Sealer? {
        guard KeyFileAccess.isUsable(path) else { throw .badName(path) }
        guard let bytes = try KeyFileAccess.read(path, maximumBytes: Self.maximumBytes, isSecret: true) else {
            return nil
        }
        var keys: [[UInt8]] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if text.isEmpty || text.first == UInt8(ascii: "#") { continue }
            guard let key = Self.key(String(decoding: text, as: UTF8.self)) else {
                throw .damaged(path, "line \(index + 1) is no key")
            }
            keys.append(key)
        }
        guard let sealer = Sealer(keys: keys) else {
            throw .damaged(path, "it has \(keys.count) keys instead of 1 to \(Sealer.maximumKeys)")
        }
        return sealer
    }

    private static func line(_ key: [UInt8]) -> String { "\(Hexadecimal.text(key)):\(check(key))" }

    private static func check(_ key: [UInt8]) -> Substring {
        Hexadecimal.text(SHA256Digest.digest(of: key)).prefix(checkDigits)
    }

    private static func key(_ line: String) -> [UInt8]? {
        let parts = line.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let key = Hexadecimal.bytes(parts[0]), key.count == Sealer.keyBytes,
            parts[1].lowercased() == check(key)
        else { return nil }
        return key
    }
}
