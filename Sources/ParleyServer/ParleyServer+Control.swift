// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Operations
import ServiceLifecycle
import Settings

extension ParleyServer {
    /// Reads the settings again; `nil` for a server that does not know where they come from.
    func reloader(chat: Chat) -> SettingsReloader? {
        options.settingsSource.map { source in
            SettingsReloader(
                source, settings: settings,
                parts: SettingsReloader.Parts(manager: options.serviceManager, chat: chat, live: live),
                log: options.logSink, metrics: options.metrics, logger: logger)
        }
    }

    /// What operators ask of the server itself.
    func control(_ reloader: SettingsReloader?) -> ServerControl? {
        guard let reloader, let sink = options.logSink else { return nil }
        let log = LogControl(sink: sink)
        return ServerControl(
            reload: { await reloader.reload() }, logLevels: { log.levels },
            setLogLevel: { level, module throws(OperationError) in try log.set(level, of: module) },
            readServerLog: { (request, account, actor) throws(OperationError) in
                try log.read(request, of: account, for: actor)
            },
            settings: { await reloader.settings() },
            changeSetting: { (key, value, record) async throws(OperationError) in
                try await reloader.change(key, to: value, record: record)
            },
            backups: BackupMaker(settings, version: options.version).control(
                of: store.storage, schedule: settings.text(of: .backupSchedule)))
    }
}

/// Reads the settings again whenever it is asked to, as by SIGHUP.
struct ReloadService: Service {
    let requests: AsyncStream<Void>
    let reloader: SettingsReloader

    func run() async throws {
        for await () in requests.cancelOnGracefulShutdown() { _ = await reloader.reload() }
        // The stream may end before the server does.
        try? await gracefulShutdown()
    }
}
