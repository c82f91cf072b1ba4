// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Credentials

/// A password or token among parameters and reports.
///
/// Only its JSON form shows it, unless the encoder is told otherwise; every description is `[secret]`.
package struct SecretText: Sendable, Equatable {
    /// An encoder whose `userInfo` says `true` of this writes the description.
    // swift-format-ignore: NeverForceUnwrap
    static let isHidden = CodingUserInfoKey(rawValue: "parley.secrets.hidden")!

    package let clearText: String

    package init(_ clearText: String) {
        self.clearText = clearText
    }

    package var password: Password { Password(clearText) }
}

extension SecretText: Codable {
    /// Reads a plain string.
    package init(from decoder: any Decoder) throws {
        clearText = try decoder.singleValueContainer().decode(String.self)
    }

    /// Writes a plain string.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        let isHidden = encoder.userInfo[Self.isHidden] as? Bool == true
        try container.encode(isHidden ? description : clearText)
    }
}

extension SecretText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[secret]`.
    package var description: String { "[secret]" }
    /// Always `[secret]`.
    package var debugDescription: String { "[secret]" }
    /// Shows no children, so that `dump` has nothing to print.
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
