// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import FoundationEssentials
import JSON
import Storage
import Synchronization

/// The record of one operation while it runs: the first change that succeeds takes it along.
final class AuditTrail: Sendable {
    private static let maximumTextBytes = 256
    private static let maximumParameterBytes = 4096

    private enum State {
        case free, taken
        /// It is written, in the transaction of a change.
        case inChange
    }

    private let entry: AuditEntry
    private let state = Mutex(State.free)

    init(_ operation: some AdminOperation, by actor: OperationActor) {
        entry = AuditEntry(
            actor: Self.short(actor.name), face: actor.face.rawValue, address: actor.address.map(Self.short),
            operation: Swift.type(of: operation).name, target: operation.target.map(Self.short),
            parameters: Self.parameters(of: operation))
    }

    /// The record for a change, unless another one has it; `target` is named more exactly than the parameters do.
    func take(on target: String? = nil) -> AuditNote? {
        let isFree = state.withLock { state in
            guard case .free = state else { return false }
            state = .taken
            return true
        }
        guard isFree else { return nil }
        var entry = entry
        if let target { entry.target = Self.short(target) }
        return Self.note(entry)
    }

    /// The change that took the record was not made.
    func giveBack() {
        state.withLock { $0 = .free }
    }

    /// The change that took the record was made.
    func markWritten() {
        state.withLock { $0 = .inChange }
    }

    /// Whether the record is in the transaction of a change.
    var isInChange: Bool {
        state.withLock { if case .inChange = $0 { true } else { false } }
    }

    /// The record of a refusal.
    func note(of refusal: OperationError) -> AuditNote {
        var entry = entry
        entry.refusal = refusal.kind.rawValue
        return Self.note(entry)
    }

    private static func note(_ entry: AuditEntry) -> AuditNote {
        AuditNote(entry) { SHA256Digest.digest(of: $0) }
    }

    /// The beginning of a text from outside, which both engines can store.
    private static func short(_ text: String) -> String {
        String(decoding: text.utf8.lazy.filter { $0 != 0 }.prefix(maximumTextBytes), as: UTF8.self)
    }

    /// The parameters as JSON; instead of very long ones, how long they are.
    private static func parameters(of operation: some AdminOperation) -> String {
        let encoder = JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes])
        encoder.userInfo[SecretText.isHidden] = true
        guard let data = try? encoder.encode(operation) else { return "{}" }
        let bytes = Array(data)
        guard bytes.count > maximumParameterBytes else { return String(decoding: bytes, as: UTF8.self) }
        guard let members = try? JSONValue.parse(bytes).members else { return "{}" }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members {
            var written = JSONWriter()
            written.value(value)
            let size = written.bytes.count
            writer.key(escaping: name)
            if size <= maximumTextBytes { writer.value(value) } else { writer.string("[\(size) bytes]") }
        }
        writer.endObject()
        let text = writer.bytes
        return text.count > maximumParameterBytes ? "{}" : String(decoding: text, as: UTF8.self)
    }
}

extension AdminOperation {
    /// Runs the operation for the actor of a context, and records what becomes of it when it is one that writes.
    ///
    /// The record is in the transaction of the first change. A refusal has a record in a transaction of its own, as has
    /// what was done without a change of the log.
    package func perform(on context: OperationContext) async throws(OperationError) -> Report {
        // A trial run is no change, but still nothing for a token that only reads: it may cost as much as the real one.
        guard Self.access == .write, !onlyLooks || context.actor.scope == .read else {
            return try await run(on: context)
        }
        let trail = AuditTrail(self, by: context.actor)
        let context = context.recording(in: trail)
        do throws(OperationError) {
            guard context.actor.scope == .write else {
                throw OperationError(
                    .refused, "The scope of this token is read, and '\(Self.name)' changes something.",
                    nextStep: "Create one with 'manage token create NAME --scope write'.")
            }
            let report = try await run(on: context)
            try await context.recordNow()
            return report
        } catch {
            // What was cancelled after its change was made is done; its record says so already.
            if !(Task.isCancelled && trail.isInChange) { await context.record(error, in: trail) }
            throw error
        }
    }
}

extension OperationContext {
    /// Makes a change with the operation's record, if no other change has that.
    ///
    /// `isChange` says of the result whether anything was changed.
    func recording<Value: Sendable, Failure: Error>(
        on target: String? = nil, isChange: (Value) -> Bool = { _ in true },
        _ change: (AuditNote?) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let trail, let note = trail.take(on: target) else { return try await change(nil) }
        do {
            let value = try await change(note)
            if isChange(value) { trail.markWritten() } else { trail.giveBack() }
            return value
        } catch {
            trail.giveBack()
            throw error
        }
    }

    /// Writes the operation's record now, unless a change took it along.
    ///
    /// An operation of many transactions does so before the first one: nothing is changed without a record, and when it
    /// ends early, a second one says so.
    func recordNow() async throws(OperationError) {
        guard let trail, let note = trail.take() else { return }
        do {
            _ = try await asking { try await $0.write(Write.RecordOnly(), by: nil, audit: note) }
        } catch {
            trail.giveBack()
            throw error
        }
    }

    /// Writes the record of a refusal; what fails there is in the log already.
    fileprivate func record(_ refusal: OperationError, in trail: AuditTrail) async {
        _ = try? await chat.write(Write.RecordOnly(), by: nil, audit: trail.note(of: refusal))
    }
}
