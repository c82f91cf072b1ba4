// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Glibc
import Operations
import ParleyServer
import Settings
import Storage

extension Manage.User {
    /// `user export`: a copy of all that a person is entitled to.
    struct Export: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all data that a person is entitled to into one file.",
            discussion: """
                A tar.gz of JSON and files: profile, sessions, contacts, and the conversations
                that the account reads or was a member of, with the messages and files that it
                may read; what it left ends there. Passwords and other secrets are not in it.
                The file is there only when it is whole, and readable by its owner only. The
                audit says who exported whom. Works beside a running server.

                Examples:
                  manage user export alice alice.tar.gz
                  manage user export alice - | ssh desk.example.org 'cat > alice.tar.gz'
                """
        )

        @Argument(help: "The account's login.", completion: .logins)
        var login: String

        @Argument(help: ArgumentHelp("The file to write, or - for stdout.", valueName: "file"), completion: .file())
        var file: String

        @OptionGroup var common: CommonOptions

        private var isStandardOutput: Bool { file == "-" }

        func validate() throws {
            if isStandardOutput, output.isJSON {
                throw ValidationError("Please give --json with a file: the data itself goes to standard output.")
            }
        }

        func run() async throws {
            let settings = try loadSettings()
            if isStandardOutput {
                guard isatty(STDOUT_FILENO) == 0 else {
                    throw CommandError(
                        .usage, "The data is not written to a terminal.", nextStep: "Name a file, or use a pipe.")
                }
                try output.note(try await export(settings, to: STDOUT_FILENO, path: nil).sentence)
            } else {
                let path = SettingsFile.absolute(file, folder: CommandContext.current.currentFolder)
                let report = try await ArchiveFile.write(to: path) { descriptor in
                    try await export(settings, to: descriptor, path: path)
                }
                try output.write(report)
            }
        }

        private func export(
            _ settings: Settings, to descriptor: Int32, path: String?
        ) async throws -> ExportedUserReport {
            let profile = try await OperationRunner(settings: settings).run(ExportUser(login: login))
            let bar = ProgressBar(context: .current, isQuiet: output.isQuiet)
            defer { bar.finish() }
            let store = try await StoreAccess(settings: settings).openForReading()
            do {
                let total = Int(try await store.storage.counts().flows)
                let logger = StandardErrorLogHandler.logger(.current, for: settings)
                let chat = try store.makeChat(settings, makesKeyFile: false, logger: logger)
                var export = try UserExport(from: chat, to: descriptor)
                let (counts, bytes) = try await export.write(profile) { flows in
                    bar.show(OperationProgress(phase: "flows", done: flows, total: max(flows, total)))
                }
                await store.close()
                return ExportedUserReport(login: profile.user.login, file: path, bytes: bytes, counts: counts)
            } catch {
                await store.close()
                throw error
            }
        }
    }
}

/// What `user export` prints.
struct ExportedUserReport: CommandReport {
    var login: String
    /// `nil` for stdout.
    @Nullable var file: String?
    var bytes: Int
    var counts: UserExport.Counts

    var sentence: String {
        let place = file.map { " to \($0.escapedForTerminal())" } ?? ""
        return "Wrote \(counts.messages.counted("message")) and \(counts.files.counted("file")) of "
            + "\(counts.flows.counted("conversation"))\(place) (\(bytes.counted("byte")))."
    }

    func text(style: TextStyle) -> String { sentence + "\n" }
}
