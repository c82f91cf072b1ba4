// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

extension OperationContext {
    /// The fewest digits that are taken for the beginning of a uuid.
    private static let shortestPrefix = 4

    /// The flow that an operator names: by its uuid, its row, the first digits of its uuid, or its title.
    ///
    /// A `#` in front is passed over.
    ///
    /// - Throws: `.notFound` that names it; `.invalid` when several are meant.
    func flow(uuid word: String) async throws(OperationError) -> FlowRecord {
        // `hasPrefix` would normalize the text, however long it is.
        let name = word.utf8.first == UInt8(ascii: "#") ? String(decoding: word.utf8.dropFirst(), as: UTF8.self) : word
        let isNumber = !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
        if isNumber, let found = try await flow(numbered: name) { return found }
        var found: [FlowRecord] = []
        if !name.isEmpty, name.utf8.count <= ChatLimits.titleBytes, !name.utf8.contains(0) {
            found = try await reading { try await $0.flows(title: name, limit: 2) }
        }
        if found.isEmpty, isNumber, name.utf8.count >= Self.shortestPrefix {
            found = try await reading { try await $0.flows(uuidPrefix: name, limit: 2) }
        }
        guard let first = found.first else {
            throw OperationError(.notFound, "There is no flow '\(word)'.", nextStep: OperationError.listFlows)
        }
        guard found.count == 1 else {
            let rows = found.map { "\($0.id.rawValue)" }.joined(separator: " and ")
            throw OperationError(
                .invalid, "Several flows are called '\(word)', such as those in rows \(rows).",
                nextStep: "Give the row of one.")
        }
        return first
    }

    /// The flow with a whole uuid or a row.
    private func flow(numbered digits: String) async throws(OperationError) -> FlowRecord? {
        if let uuid = Identifier(decimal: digits) {
            let found = try await reading { try await $0.flow(uuid: uuid) }
            if let found { return found }
        }
        guard let row = Int64(digits) else { return nil }
        return try await reading { try await $0.flow(FlowID(row)) }
    }
}
