// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds

/// What happened in one step of a check.
package struct CheckStep: Encodable, Sendable {
    /// How a step ended.
    package enum Outcome: String, Encodable, Sendable {
        case passed, failed, skipped
    }

    private enum CodingKeys: String, CodingKey { case method, outcome, code, milliseconds, detail }

    package var method: String
    package var outcome: Outcome
    package var code: Int?
    package var duration: Duration?
    package var detail: String?

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(method, forKey: .method)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(code, forKey: .code)
        try container.encode(duration?.milliseconds, forKey: .milliseconds)
        try container.encode(detail, forKey: .detail)
    }
}
