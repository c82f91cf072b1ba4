// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// One setting after all origins have been looked at.
package struct ResolvedSetting: Sendable, Equatable {
    /// Where a value comes from.
    package enum Source: Sendable, Equatable, CustomStringConvertible {
        /// An option of the command.
        case commandLine
        /// An environment variable, by its name.
        case environment(String)
        /// A line of the settings file.
        case file(path: String, line: Int)
        /// The built-in default.
        case standard

        /// `command line`, `environment PARLEY_SERVER_PORT`, `config.ini:12` or `default`.
        package var description: String {
            switch self {
            case .commandLine: "command line"
            case .environment(let name): "environment \(name)"
            case .file(let path, let line): "\(path.split(separator: "/").last.map(String.init) ?? path):\(line)"
            case .standard: "default"
            }
        }
    }

    package var key: SettingKey
    /// The value for display, with secrets masked and paths absolute; `nil` when the key is unset.
    package var text: String?
    /// Where the value comes from.
    package var source: Source
}
