// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Glibc
import Settings
import Storage
import Web

/// The checks of `/readyz`.
struct Readiness: Sendable {
    let settings: Settings
    let storage: Storage
    let stop: StopRequest
    let membership: ClusterMembership
    /// Whether the server was started for administrators only.
    let isMaintained: Bool
    /// Below this much free space commits will soon fail.
    private static let fewBytes: UInt64 = 64 << 20
    /// How long the database may take to answer.
    private static let timeout = Duration.seconds(2)

    func checks() async -> [ReadinessCheck] {
        let storage = storage
        let schema = await TimeLimit.result(within: Self.timeout) { () async -> StorageError? in
            do throws(StorageError) {
                try await storage.checkSchema()
                return nil
            } catch {
                return error
            }
        }
        var checks: [ReadinessCheck] = []
        switch schema {
        case .none:
            checks.append(ReadinessCheck(name: "database", isPassed: false, detail: "It has not answered in time."))
        case .some(.none):
            checks.append(ReadinessCheck(name: "database", isPassed: true))
            checks.append(ReadinessCheck(name: "migrations", isPassed: true))
        case .some(.some(let error)):
            let isSchema = error.code == .needsMigration || error.code == .newerThanProgram
            checks.append(
                ReadinessCheck(name: isSchema ? "migrations" : "database", isPassed: false, detail: error.message))
        }
        checks.append(disk())
        var reason: String?
        if membership.isDraining { reason = "The operator has asked for no new clients." }
        if stop.hasBegun { reason = "The server is stopping." }
        checks.append(ReadinessCheck(name: "draining", isPassed: reason == nil, detail: reason))
        if isMaintained {
            checks.append(
                ReadinessCheck(
                    name: "maintenance", isPassed: false, detail: "The server was started with --maintenance."))
        }
        return checks
    }

    /// The free space of each folder that the server writes to.
    func freeBytes() -> [(folder: String, bytes: UInt64)] {
        var folders = [settings.logging.folder]
        if case .sqlite(let path) = settings.database.location {
            folders.append(path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
        }
        return folders.compactMap { folder in
            var status = statvfs()
            guard statvfs(folder.isEmpty ? "/" : folder, &status) == 0 else { return nil }
            let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return (folder, free.overflow ? .max : free.partialValue)
        }
    }

    private func disk() -> ReadinessCheck {
        guard let (folder, bytes) = freeBytes().first(where: { $0.bytes < Self.fewBytes }) else {
            return ReadinessCheck(name: "disk", isPassed: true)
        }
        return ReadinessCheck(
            name: "disk", isPassed: false, detail: "Only \(bytes >> 20) MiB are free on the disk of '\(folder)'.")
    }
}
