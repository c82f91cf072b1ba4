// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why a WebSocket connection is closed.
///
/// RFC 6455 §7.4.
package struct WebSocketCloseCode: Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    package let rawValue: UInt16

    /// The code with this number; ``isSendable`` says whether it may travel.
    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The purpose of the connection is fulfilled.
    ///
    /// Corresponds to code 1000.
    package static let normal = Self(rawValue: 1000)
    /// The server stops or the page is left.
    ///
    /// Corresponds to code 1001.
    package static let goingAway = Self(rawValue: 1001)
    /// The peer broke the framing rules.
    ///
    /// Corresponds to code 1002.
    package static let protocolError = Self(rawValue: 1002)
    /// The peer sent a kind of data that we do not take, such as binary.
    ///
    /// Corresponds to code 1003.
    package static let unsupportedData = Self(rawValue: 1003)
    /// Text that is not UTF-8.
    ///
    /// Corresponds to code 1007.
    package static let invalidText = Self(rawValue: 1007)
    /// The peer broke a rule of ours, such as the time a message may take.
    ///
    /// Corresponds to code 1008.
    package static let policyViolation = Self(rawValue: 1008)
    /// The message is longer than the limit.
    ///
    /// Corresponds to code 1009.
    package static let messageTooBig = Self(rawValue: 1009)
    /// The server failed.
    ///
    /// Corresponds to code 1011.
    package static let internalError = Self(rawValue: 1011)
    /// The server has no room now.
    ///
    /// Corresponds to code 1013.
    package static let tryAgainLater = Self(rawValue: 1013)

    /// Whether a close frame may carry the code: registered codes and 3000 to 4999.
    package var isSendable: Bool {
        switch self.rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// The number in decimal.
    package var description: String {
        String(self.rawValue)
    }
}
