// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Logging
import Storage

/// What an operation works on.
package struct OperationContext: Sendable {
    /// The domain; it must be running.
    package let chat: Chat
    /// Who runs the operation.
    package let actor: OperationActor
    /// Called with each step of a long operation, one after the other.
    package let progress: @Sendable (OperationProgress) async -> Void
    /// Where the running server listens; nothing in a process that is no server.
    package let listeners: @Sendable () -> [ServerListener]
    /// Sends a heartbeat of the running server now, by which it learns what was changed about it.
    package let heartbeat: @Sendable () async -> Void
    /// The running server itself; `nil` in a process that is none.
    package let control: ServerControl?
    /// The record of the operation, if it is one that is recorded.
    private(set) var trail: AuditTrail?

    package init(
        chat: Chat, actor: OperationActor = .unknown,
        progress: @escaping @Sendable (OperationProgress) async -> Void = { _ in },
        listeners: @escaping @Sendable () -> [ServerListener] = { [] },
        heartbeat: @escaping @Sendable () async -> Void = {}, control: ServerControl? = nil
    ) {
        self.chat = chat
        self.actor = actor
        self.progress = progress
        self.listeners = listeners
        self.heartbeat = heartbeat
        self.control = control
    }

    /// The same for another actor.
    package func acting(
        as actor: OperationActor, progress: @escaping @Sendable (OperationProgress) async -> Void = { _ in }
    ) -> OperationContext {
        OperationContext(
            chat: chat, actor: actor, progress: progress, listeners: listeners, heartbeat: heartbeat, control: control)
    }

    /// The same for an operation that is recorded.
    func recording(in trail: AuditTrail) -> OperationContext {
        var context = self
        context.trail = trail
        return context
    }

    /// Makes a change as the operator of the server, who may do everything; `target` is for the audit.
    func write<W: LogWrite>(
        _ write: W, on target: String? = nil
    ) async throws(OperationError) -> Receipt<W.Result> {
        try await recording(
            on: target, isChange: { !$0.existed },
            { note throws(OperationError) in try await asking { try await $0.write(write, by: nil, audit: note) } })
    }

    /// Asks the domain.
    func asking<Value: Sendable>(_ body: (Chat) async throws -> Value) async throws(OperationError) -> Value {
        do { return try await body(chat) } catch {
            try checkCancellation()
            throw OperationError(error as? ChatError ?? .internalFailure)
        }
    }

    /// Reads from the store; what the engine said goes to the log.
    func reading<Value: Sendable>(_ body: (Storage) async throws -> Value) async throws(OperationError) -> Value {
        do { return try await chat.records(body) } catch {
            try checkCancellation()
            throw OperationError(error)
        }
    }

    /// Ends the operation between two steps when its task was cancelled.
    func checkCancellation() throws(OperationError) {
        if Task.isCancelled { throw .interrupted }
    }

    /// The account of a login.
    ///
    /// - Throws: `.notFound` that names the login.
    func user(login: String) async throws(OperationError) -> UserRecord {
        let isLogin = !login.isEmpty && login.utf8.count <= ChatLimits.loginBytes && !login.utf8.contains(0)
        let found = isLogin ? try await reading { try await $0.user(loginKey: Login.key(of: login)) } : nil
        guard let found, found.deleted == nil else {
            throw OperationError(.notFound, "No user with login '\(login)'.", nextStep: OperationError.listUsers)
        }
        return found
    }

    /// Refuses a text that is too long or cannot be stored.
    func check(_ text: String?, _ field: String, limit: Int) throws(OperationError) {
        guard let text else { return }
        if text.utf8.count > limit { throw OperationError(ChatError.tooLong(field: field, limit: limit)) }
        if text.utf8.contains(0) { throw OperationError(ChatError.nullCharacter(field: field)) }
    }

    /// A random password, which is told to no one.
    func randomPassword() -> SecretText {
        SecretText("\(chat.newIdentifier())-\(chat.newIdentifier())")
    }
}
