// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import Storage

/// Names what another server has kept, always by the same number.
enum ImportIdentity {
    /// The uuid that the other server gave it, or one from the name of what it is.
    static func uuid(_ given: String? = nil, of parts: String...) -> String {
        if let given, let identifier = Identifier(decimal: given) { return identifier.description }
        let digest = SHA256Digest.digest(of: Array(parts.joined(separator: "\u{0}").utf8))
        return Identifier(digest.prefix(16).reduce(0) { $0 << 8 | UInt128($1) }).description
    }
}
