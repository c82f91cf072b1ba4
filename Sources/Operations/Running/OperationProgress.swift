// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// How far a long operation is.
package struct OperationProgress: Codable, Sendable, Equatable {
    /// What is being worked on, such as `messages`.
    package var phase: String
    /// How many of them are done.
    package var done: Int
    /// How many there are.
    package var total: Int

    package init(phase: String, done: Int, total: Int) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}
