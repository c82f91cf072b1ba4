// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// From which level on messages are logged: one for all modules, and others for single ones.
package struct LogLevels: Sendable, Equatable {
    /// The most modules that can have a level of their own.
    package static let maximumModules = 64

    /// The level of modules that have none of their own.
    package var level: LogLevel
    /// The levels of single modules, such as `Transport` or `Transport.Listener`, in lower case.
    package private(set) var modules: [String: LogLevel] = [:]

    init(level: LogLevel) {
        self.level = level
    }

    /// Gives a module a level of its own, or takes it away.
    ///
    /// - Returns: Whether it was done: the name must be one of a module, and there may be only so many.
    mutating func set(_ level: LogLevel?, of module: String) -> Bool {
        guard Self.isName(module) else { return false }
        let name = module.lowercased()
        guard level == nil || modules[name] != nil || modules.count < Self.maximumModules else { return false }
        modules[name] = level
        return true
    }

    /// The least important level of all.
    var floor: LogLevel { modules.values.reduce(level) { min($0, $1) } }

    func allows(_ record: LogRecord) -> Bool {
        guard !modules.isEmpty else { return record.level >= level }
        let own = modules[record.module.lowercased()] ?? modules[record.source.lowercased()]
        return record.level >= own ?? level
    }

    /// Whether a text can be the name of a module.
    package static func isName(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// Which messages a watcher of the log is shown.
package struct LogFilter: Sendable, Equatable {
    /// The least important level.
    package var level: LogLevel
    /// Only of this module, such as `Transport` or `Transport.Listener`; `nil`: of all.
    package var module: String?
    /// Only with these values in their metadata; empty: all.
    package var metadata: [String: String]

    package init(level: LogLevel, module: String? = nil, metadata: [String: String] = [:]) {
        self.level = level
        self.module = module?.lowercased()
        self.metadata = metadata
    }

    func takes(_ record: LogRecord) -> Bool {
        guard record.level >= level else { return false }
        for (key, value) in metadata where record.metadata[key].map({ "\($0)" }) != value { return false }
        guard let module else { return true }
        return record.source.lowercased() == module || record.module.lowercased() == module
    }
}
