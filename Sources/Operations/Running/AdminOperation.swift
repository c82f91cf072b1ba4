// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One thing that an administrator does to the data, once for every face: command line, admin socket, and whatever
/// comes.
///
/// The value holds the parameters; `Codable` is their JSON form, as it is of the report. Keys are stable.
package protocol AdminOperation: Codable, Sendable {
    /// What the operation tells when it is done.
    associatedtype Report: Codable & Sendable

    /// Its name everywhere, such as `user.create`.
    static var name: String { get }
    /// What it does: one sentence that begins with a verb, for lists of operations.
    static var summary: String { get }
    /// What an actor needs to run it: `read` for what changes nothing.
    static var access: OperationActor.Scope { get }
    /// Whether it destroys something, so that a face asks before it runs.
    static var isDestructive: Bool { get }
    /// Whether it may take longer than a request is kept waiting, so that the HTTP API runs it as a job.
    static var isLong: Bool { get }
    /// Whether the database must have this program's schema; only what looks at the schema itself says no.
    static var needsCurrentSchema: Bool { get }

    /// Whether it only looks and is meant to be repeated, so that it is not worth a line in a log each time.
    static var isWatching: Bool { get }

    /// On whom or what it is, for the audit: a login, a flow, and the like.
    var target: String? { get }
    /// Whether it changes nothing with these parameters although it could with others, as a trial run.
    var onlyLooks: Bool { get }

    /// Does it; `perform(on:)` also looks at who asks, and records it.
    ///
    /// When it returns, what was done is durable, and a running server acts by it.
    ///
    /// - Throws: `OperationError`; `.failed` when the task was cancelled between two steps.
    func run(on context: OperationContext) async throws(OperationError) -> Report
}

extension AdminOperation {
    /// Nothing, which a test refuses.
    package static var summary: String { "" }
    /// Every right, unless an operation says that it only looks.
    package static var access: OperationActor.Scope { .write }
    /// Nothing, unless an operation says otherwise.
    package var target: String? { nil }
    /// No, unless an operation says otherwise.
    package var onlyLooks: Bool { false }
    /// No, unless an operation says otherwise.
    package static var isDestructive: Bool { false }
    /// No, unless an operation says otherwise.
    package static var isLong: Bool { false }
    /// No, unless an operation says otherwise.
    package static var isWatching: Bool { false }
    /// Yes, unless an operation says otherwise.
    package static var needsCurrentSchema: Bool { true }
}
