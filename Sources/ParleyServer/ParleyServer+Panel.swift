// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Chat
import Glibc
import Operations
import ServiceLifecycle
import Settings
import Web

extension ParleyServer {
    /// The admin panel, unless the settings switch it off.
    func panel(_ operations: OperationContext, jobs: JobBoard, history: ServerHistory) -> AdminPanel? {
        guard settings.admin.hasPanel else { return nil }
        return AdminPanel(
            operations: operations, jobs: jobs,
            server: AdminPanel.Server(
                name: { live.name }, version: options.version, disk: { settings.database.disk }),
            history: history, origins: Set(settings.server.origins))
    }
}

extension Settings.Server {
    /// Whether only browsers of this machine reach the server, which see the panel without TLS.
    var isLocal: Bool { host == "localhost" || IPAddress(host)?.isLoopback == true }
}

extension Settings.Database {
    /// Free and all bytes of the disk that an SQLite file is on.
    fileprivate var disk: (free: Int64, total: Int64)? {
        guard case .sqlite(let path) = location else { return nil }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var status = statvfs()
        guard statvfs(folder.isEmpty ? "/" : folder, &status) == 0 else { return nil }
        let block = UInt64(status.f_frsize)
        func bytes(_ blocks: UInt64) -> Int64 {
            Int64(clamping: blocks.multipliedReportingOverflow(by: block).partialValue)
        }
        return (bytes(UInt64(status.f_bavail)), bytes(UInt64(status.f_blocks)))
    }
}

/// Measures the server for the charts of the admin panel.
struct HistoryService: Service {
    let history: ServerHistory
    let chat: Chat

    func run() async throws {
        await cancelWhenGracefulShutdown { await history.run(on: OperationContext(chat: chat)) }
    }
}
