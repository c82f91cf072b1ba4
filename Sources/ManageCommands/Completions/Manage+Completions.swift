// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `completions`: scripts with which a shell completes command lines.
    struct Completions: AsyncParsableCommand {
        enum Shell: String, CaseIterable, ExpressibleByArgument {
            case bash, zsh, fish

            var completionShell: CompletionShell {
                switch self {
                case .bash: .bash
                case .zsh: .zsh
                case .fish: .fish
                }
            }
        }

        static let configuration = CommandConfiguration(
            abstract: "Print a script that lets a shell complete commands.",
            discussion: """
                Examples:
                  manage completions bash > ~/.local/share/bash-completion/completions/manage
                  manage completions zsh > ~/.zfunc/_manage
                  manage completions fish > ~/.config/fish/completions/manage.fish
                """
        )

        @Argument(help: "The shell.")
        var shell: Shell

        func run() async throws {
            try CommandContext.current.standardOutput.write(Manage.completionScript(for: shell.completionShell) + "\n")
        }
    }
}
