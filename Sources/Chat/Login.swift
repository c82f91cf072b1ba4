// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A login as typed and as compared.
package struct Login: Sendable, Equatable {
    package let text: String
    /// NFC and case folded: two logins with the same key are the same login.
    package let key: String

    /// The logins of the server's own bots, as keys: no other account gets them.
    package static let reserved: Set<String> = ["testclient", "seed"]

    /// Whether the login is kept for a bot of the server's own.
    package var isReserved: Bool { Self.reserved.contains(key) }

    /// - Throws: `.credentialsMissing` for an empty one, `.invalidLogin` and `.tooLong` for what cannot be one.
    package init(_ text: String) throws(ChatError) {
        guard !text.isEmpty else { throw .credentialsMissing }
        guard text.utf8.count <= ChatLimits.loginBytes else {
            throw .tooLong(field: "login", limit: ChatLimits.loginBytes)
        }
        for scalar in text.unicodeScalars {
            // Letters and marks too may show nothing, such as the Hangul fillers.
            guard !scalar.properties.isDefaultIgnorableCodePoint else {
                throw .invalidLogin("A login has no control or invisible characters.")
            }
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse, .format:
                throw .invalidLogin("A login has no control or invisible characters.")
            default: break
            }
        }
        guard text.first?.isWhitespace == false, text.last?.isWhitespace == false else {
            throw .invalidLogin("A login begins and ends with something visible.")
        }
        self.text = text
        key = Self.key(of: text)
    }

    /// The compared form of any text; of no use for text that cannot be a login.
    package static func key(of text: String) -> String {
        // Up and down again folds what has no lowercase of its own, such as the German sharp s.
        text.precomposedStringWithCompatibilityMapping.uppercased().lowercased().precomposedStringWithCanonicalMapping
    }
}
