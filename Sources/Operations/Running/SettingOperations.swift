// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// `config.list`: every setting of the running server, with where its value comes from.
package struct ListSettings: AdminOperation {
    /// What `config.list` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// In the order of the documentation.
        package var settings: [Setting]

        package init(settings: [Setting]) {
            self.settings = settings
        }
    }

    package struct Setting: Codable, Sendable, Equatable {
        package var section: String
        package var name: String
        /// What the server goes by, secrets masked; `nil` when it is unset.
        @Nullable package var value: String?
        /// What the file or the environment says when that differs, until the server starts again.
        @Nullable package var coming: String?
        /// Such as `config.ini:12` or `default`.
        package var source: String
        /// `nil` when it is unset by default.
        @Nullable package var standard: String?
        /// What it does.
        package var summary: String
        /// Whether a new value needs a restart.
        package var needsRestart: Bool
        /// Whether `config.set` takes it: it is no secret, and neither the environment nor the command line goes before
        /// it.
        package var isChangeable: Bool

        /// `SECTION.KEY`.
        package var key: String { "\(section).\(name)" }

        package init(
            section: String, name: String, value: String?, coming: String?, source: String, standard: String?,
            summary: String, needsRestart: Bool, isChangeable: Bool
        ) {
            self.section = section
            self.name = name
            self.value = value
            self.coming = coming
            self.source = source
            self.standard = standard
            self.summary = summary
            self.needsRestart = needsRestart
            self.isChangeable = isChangeable
        }
    }

    package static let name = "config.list"
    package static let summary = "List the settings with value, source and default, secrets masked."
    package static let access = OperationActor.Scope.read
    package static let needsCurrentSchema = false

    package init() {}

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        Report(settings: await (try context.runningServer()).settings())
    }
}

/// `config.set`: changes one value in the settings file of the running server, which reads it at once.
///
/// The file as it was is kept beside it. A value with which the server would not start leaves the file as it is.
package struct ChangeSetting: AdminOperation {
    /// What `config.set` tells.
    package struct Report: Codable, Sendable, Equatable {
        /// What became of the value; `nil` when it was so already.
        @Nullable package var change: ReloadServer.Change?
        /// The copy of the file as it was before; `nil` when there was none.
        @Nullable package var kept: String?

        package init(change: ReloadServer.Change?, kept: String?) {
            self.change = change
            self.kept = kept
        }
    }

    package static let name = "config.set"
    package static let summary = "Change one value in the settings file, keep a copy of it, and read it again."
    package static let access = OperationActor.Scope.write
    private static let maximumBytes = 4096

    /// `SECTION.KEY`.
    package var key: String
    /// The new value; `nil` takes the key out of the file, so that its default applies.
    ///
    /// It may be given for a secret key by mistake.
    package var value: SecretText?

    package init(key: String, value: SecretText?) {
        self.key = key
        self.value = value
    }

    package var target: String? { key }

    package func run(on context: OperationContext) async throws(OperationError) -> Report {
        let server = try context.runningServer()
        try context.check(value?.clearText, "value", limit: Self.maximumBytes)
        return try await server.changeSetting(key, value?.clearText) { () async throws(OperationError) in
            try await context.recordNow()
        }
    }
}
