// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension CompletionKind {
    /// The most names that are offered.
    private static let maximumNames = 200

    /// The logins of accounts.
    static var logins: CompletionKind {
        .custom { words, _, prefix in
            await names(words) { caller in
                let search = prefix.isEmpty ? nil : prefix
                let range = ListRange(after: 0, limit: maximumNames)
                return try await caller.run(ListUsers(range: range, search: search)).items.map(\.login)
            }
        }
    }

    /// The titles of flows; those without one by their rows.
    static var flows: CompletionKind {
        .custom { words, _, _ in
            await names(words) { caller in
                try await caller.run(ListFlows(range: ListRange(after: 0, limit: maximumNames))).items.map { flow in
                    flow.title.isEmpty ? "\(flow.row)" : flow.title
                }
            }
        }
    }

    /// Asks the running server or the store, with the settings that the command line names; nothing when they cannot be
    /// had.
    private static func names(
        _ words: [String], _ body: @escaping @Sendable (OperationCaller) async throws -> [String]
    ) async -> [String] {
        let context = CommandContext.current
        let option = words.firstIndex(of: "--config").flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
        let settings = try? Settings.load(
            file: option, environment: context.environment, overrides: [:], currentFolder: context.currentFolder)
        guard let settings else { return [] }
        // What goes wrong must not appear in the middle of a command line.
        var silent = context
        silent.standardError = TextOutput(isTerminal: false) { _ in }
        return await CommandContext.$current.withValue(silent) {
            let runner = OperationRunner(settings: settings)
            return (try? await runner.withCaller(needsCurrentSchema: false, body)) ?? []
        }
    }
}
