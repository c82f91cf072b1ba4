// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

/// The options of every command, and where the operations of the command are run.
protocol CommandOptions: ParsableArguments {
    var settings: SettingsOptions { get }
    var output: OutputOptions { get }

    /// Runs operations where the options say.
    func runner() throws -> OperationRunner
}

/// The options of a command that works on this machine: which settings it uses, and how it writes.
struct CommonOptions: CommandOptions {
    @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
    @OptionGroup(title: "Output Options") var output: OutputOptions

    func runner() throws -> OperationRunner {
        OperationRunner(settings: try settings.load(output: output))
    }
}

/// The options of a command that does nothing but operations, which another machine's server can run, too.
struct OperationOptions: CommandOptions {
    @OptionGroup(title: "Remote Server Options") var server: ServerOptions
    @OptionGroup(title: "Configuration Options") var settings: SettingsOptions
    @OptionGroup(title: "Output Options") var output: OutputOptions

    func runner() throws -> OperationRunner {
        if let server = try server.chosen() { return OperationRunner(server: server) }
        return OperationRunner(settings: try settings.load(output: output))
    }
}

/// A command with the options that every command has.
protocol CommonCommand: AsyncParsableCommand {
    associatedtype Options: CommandOptions
    var common: Options { get }
}

extension CommonCommand {
    var output: OutputOptions { common.output }

    /// Loads the settings; `overrides` are values of the command's own options.
    func loadSettings(_ overrides: [SettingKey: String] = [:]) throws -> Settings {
        try common.settings.load(overrides: overrides, output: output)
    }
}

/// A command that runs one operation and writes what it reports.
protocol OperationCommand: CommonCommand {
    associatedtype Operation: AdminOperation
    associatedtype Output: CommandReport

    /// The operation that the options ask for; questions are asked here.
    func operation() throws -> Operation

    /// What is written.
    func report(_ report: Operation.Report) -> Output
}

extension OperationCommand {
    func run() async throws {
        try output.write(report(try await common.runner().run(operation())))
    }
}

extension OperationCommand where Operation.Report == Output {
    func report(_ report: Operation.Report) -> Output { report }
}

/// The flow that a command is about.
struct FlowArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The flow: its uuid or the first digits of it, its row, or its title.", valueName: "flow"),
        completion: .flows)
    var name: String
}
