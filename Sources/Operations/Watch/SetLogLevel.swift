// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// `server.log_level`: from which level on the running server logs, by module; changes it until the server ends.
package struct SetLogLevel: AdminOperation {
    /// What `server.log_level` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// The level of all modules that have none of their own, such as `INFO`.
        package var level: String
        /// The levels of modules that have one of their own, by the name of the module.
        package var modules: [String: String]

        package init(level: String, modules: [String: String]) {
            self.level = level
            self.modules = modules
        }
    }

    package static let name = "server.log_level"
    package static let summary = "Say or change from which level on the server logs, by module."
    package static let access = OperationActor.Scope.write

    /// The module, such as `Transport` or `Transport.Listener`; `nil` for all that have no level of their own.
    package var module: String?
    /// A name or number; `default` takes a module's own level away; `nil` only looks.
    package var level: String?

    package init(module: String? = nil, level: String? = nil) {
        self.module = module
        self.level = level
    }

    package var target: String? { module }
    package var onlyLooks: Bool { level == nil }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let server = try context.runningServer()
        if let level {
            let isDefault = level.utf8.elementsEqual("default".utf8)
            if isDefault, module == nil {
                throw OperationError(
                    .invalid, "Only a module can go back to the level of the others.", nextStep: "Name a module.")
            }
            try server.setLogLevel(isDefault ? nil : level, module)
        }
        return server.logLevels()
    }
}
