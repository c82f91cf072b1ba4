// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Glibc
import Telemetry

/// The root of the command tree.
///
/// A command is one type in one file, nested by extension: `Manage` → `Manage.Config` (`config`) →
/// `Manage.Config.Show`.
package struct Manage: AsyncParsableCommand {
    /// Name, version and subcommands.
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "manage",
            abstract: "Set up, run, watch and repair a Parley chat server.",
            discussion: """
                --config PATH chooses the settings file; it, --json, --quiet, --no-color and
                --no-input may stand before or after the subcommand. With --json errors are
                JSON, too.

                Examples:
                  manage config init
                  manage config show
                  manage superuser-create --username admin
                  manage user list --json
                  manage flow seed
                  manage --config /etc/parley/config.ini config check
                  manage help exit-codes
                  manage help settings
                """,
            version: CommandContext.current.version,
            subcommands: subcommands
        )
    }

    /// The commands of the first level, in the order of the help.
    private static let subcommands: [any ParsableCommand.Type] = [
        Database.self, Backup.self, SuperuserCreate.self, Superuser.self, SuperuserTOTP.self, Token.self, User.self,
        Flow.self, Message.self, Invite.self, Audit.self, Import.self,
        RunServer.self, Reload.self, Balancer.self, Node.self, TestClient.self, Tail.self, Top.self, Log.self,
        Doctor.self, API.self, Config.self, Completions.self, Topic.self,
    ]

    package init() {}

    /// Runs the command that the process's arguments name, then ends the process with its status.
    package static func start(version: String) async -> Never {
        let status = await run(Array(CommandLine.arguments.dropFirst()), in: .ofProcess(version: version))
        Glibc.exit(status)
    }

    /// Runs a command in a context.
    ///
    /// - Returns: The status that the process is to end with.
    static func run(_ arguments: [String], in context: CommandContext) async -> Int32 {
        let options = arguments.prefix { $0 != "--" }
        return await CommandContext.$current.withValue(context) {
            do {
                let words = try CommandLineWords(arguments, root: Manage.self)
                var context = context
                context.leadingConfig = words.config
                if options.contains("--no-input") { context.terminal.mayAsk = false }
                try await CommandContext.$current.withValue(context) {
                    try await runCommand(words.arguments)
                }
                return CommandStatus.done.rawValue
            } catch {
                return report(error, in: context, isJSON: options.contains("--json"))
            }
        }
    }

    private static func runCommand(_ arguments: [String]) async throws {
        var command = try await asyncParseAsRoot(arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    /// Tells what went wrong, in words for people, and finds the status.
    static func report(_ error: any Error, in context: CommandContext, isJSON: Bool) -> Int32 {
        if let failure = CommandError(reporting: error) {
            if failure == .outputClosed { return CommandStatus.done.rawValue }
            if isJSON {
                write(ErrorReport(failure).line, to: context.standardError)
                return failure.status.rawValue
            }
            let isJournal = Telemetry.isJournal(stream: context.environment["JOURNAL_STREAM"])
            let mark = isJournal ? String(decoding: LogLevel.error.journalMark, as: UTF8.self) : ""
            let text = "Error: \(failure.description.escapedForTerminal())"
            write(text.split(separator: "\n").map { "\(mark)\($0)\n" }.joined(), to: context.standardError)
            return failure.status.rawValue
        }
        if let wrong = error as? WrongSubcommand {
            let line =
                isJSON ? ErrorReport(CommandError(.usage, wrong.message)).line : wrong.text.escapedForTerminal() + "\n"
            write(line, to: context.standardError)
            return CommandStatus.usage.rawValue
        }
        // What ArgumentParser threw: a request for help (0), a wrong command line (64), or a bare status.
        let code = exitCode(for: error)
        if code == .failure, !(error is ExitCode) {
            return report(CommandError.unforeseen, in: context, isJSON: isJSON)
        }
        let text = fullMessage(for: error)
        if !text.isEmpty, isJSON, !code.isSuccess {
            let failure = CommandError(CommandStatus(rawValue: code.rawValue) ?? .usage, message(for: error))
            write(ErrorReport(failure).line, to: context.standardError)
        } else if !text.isEmpty {
            let output = code.isSuccess ? context.standardOutput : context.standardError
            write(code.isSuccess ? text + "\n" : text.escapedForTerminal() + "\n", to: output)
        }
        return code.rawValue
    }

    /// A failure to write the last words cannot be reported any more.
    private static func write(_ text: String, to output: TextOutput) {
        try? output.write(text)
    }
}
