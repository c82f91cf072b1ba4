// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Database {
    /// `db gc`: removes what nothing refers to.
    struct GC: CommonCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc",
            abstract: "Remove what nothing refers to any more.",
            discussion: """
                Attachments without a message, events of deleted flows, sessions that expired
                more than 30 days ago, and what the search index still holds of deleted words.
                A running server does the same, a little every minute, the index every hour.
                The room is used again; SQLite's file becomes smaller only by VACUUM.

                Examples:
                  manage db gc --dry-run
                  manage db gc
                """
        )

        @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Only count.")
        var isTrial = false

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let runner = try common.runner()
            try output.write(try await runner.run(CollectGarbage(isTrial: isTrial)) { bar.show($0) })
        }
    }
}

extension CollectGarbage.Report: CommandReport {
    func text(style: TextStyle) -> String {
        let verb = isTrial ? "Would remove" : "Removed"
        var text = """
            \(verb) \(attachments.counted("attachment")) (\(attachmentBytes.counted("byte"))), \
            \(events.counted("event")) of deleted flows (\(eventBytes.counted("byte"))), \
            \(sessions.counted("expired session")).\n
            """
        if isTrial { return text + "The database takes \(bytesBefore.counted("byte")).\n" }
        text += "The database took \(bytesBefore.counted("byte")) and takes \(bytesAfter.counted("byte"))"
        if let freeBytesBefore, let freeBytesAfter {
            text += ", of which \(freeBytesAfter) can be used again (before: \(freeBytesBefore))"
        }
        return text + ".\n"
    }
}
