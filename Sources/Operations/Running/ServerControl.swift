// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Storage

/// What only a running server can do for an operator, apart from its data.
package struct ServerControl: Sendable {
    /// Changes a setting; `record` is called when the value is known to be one, and before anything is written.
    package typealias SettingChanger =
        @Sendable (
            _ key: String, _ value: String?, _ record: @Sendable () async throws(OperationError) -> Void
        ) async throws(OperationError) -> ChangeSetting.Report

    /// Reads the log for an actor; with an account only what is about its requests.
    package typealias LogReader =
        @Sendable (ReadServerLog, UserID?, OperationActor) throws(OperationError) -> ReadServerLog.Report

    /// Reads the settings again.
    package var reload: @Sendable () async -> ReloadServer.Report
    /// The levels of the log, by module.
    package var logLevels: @Sendable () -> SetLogLevel.Report
    /// Changes them until the server ends: of one module or of all others; `nil` takes a module's own level away.
    package var setLogLevel: @Sendable (_ level: String?, _ module: String?) throws(OperationError) -> Void
    /// Begins to watch the log, or reads what came since the last time.
    package var readServerLog: LogReader
    /// Every setting, as it is now.
    package var settings: @Sendable () async -> [ListSettings.Setting]
    /// Changes one in the settings file and reads it again; `nil` takes it out.
    package var changeSetting: SettingChanger
    /// The backups in the server's folder.
    package var backups: BackupControl

    package init(
        reload: @escaping @Sendable () async -> ReloadServer.Report,
        logLevels: @escaping @Sendable () -> SetLogLevel.Report,
        setLogLevel: @escaping @Sendable (_ level: String?, _ module: String?) throws(OperationError) -> Void,
        readServerLog: @escaping LogReader,
        settings: @escaping @Sendable () async -> [ListSettings.Setting],
        changeSetting: @escaping SettingChanger,
        backups: BackupControl
    ) {
        self.reload = reload
        self.logLevels = logLevels
        self.setLogLevel = setLogLevel
        self.readServerLog = readServerLog
        self.settings = settings
        self.changeSetting = changeSetting
        self.backups = backups
    }
}

extension OperationContext {
    /// The running server.
    ///
    /// - Throws: `.unavailable` in a process that is none.
    func runningServer() throws(OperationError) -> ServerControl {
        guard let control else {
            throw OperationError(
                .unavailable, "No server is running.", nextStep: "Start one with 'manage runserver'.")
        }
        return control
    }
}
