// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One thing that an administrator does to the data, once for every face: command line, admin socket, and whatever comes.
///
/// The value holds the parameters; `Codable` is their JSON form, as it is of the report. Keys are stable.
package protocol AdminOperation: Codable, Sendable {
    /// What the operation tells when it is done.
    associatedtype Report: Codable & Sendable

    /// Its name everywhere, such as `user.create`.
    static var name: String { get }
    /// Whether it destroys something, so that a face asks before it runs.
    static var isDestructive: Bool { get }
    /// Whether the database must have this program's schema; only what looks at the schema itself says no.
    static var needsCurrentSchema: Bool { get }

    /// Whether it only looks and is meant to be repeated, so that it is not worth a line in a log each time.
    static var isWatching: Bool { get }

    /// Does it.
    ///
    /// When it returns, what was done is durable, and a running server acts by it.
    ///
    /// - Throws: `OperationError`; `.failed` when the task was cancelled between two steps.
    func run(on context: OperationContext) async throws(OperationError) -> Report
}

extension AdminOperation {
    /// No, unless an operation says otherwise.
    package static var isDestructive: Bool { false }
    /// No, unless an operation says otherwise.
    package static var isWatching: Bool { false }
    /// Yes, unless an operation says otherwise.
    package static var needsCurrentSchema: Bool { true }
}
