// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import Settings
import Transport

extension PeerLimits {
    /// Files that are not for clients: the database, the log, the admin socket, the balancer, listeners, what libraries
    /// open.
    private static let reservedFiles = 512
    private static let balancerConnections = 128

    /// What `[SERVER_LIMIT]` says.
    init(_ limits: Settings.Limits) {
        self.init()
        writeTimeout = TimeAmount(limits.writeTimeout)
        logInTimeout = TimeAmount(limits.logInTimeout)
        connectionsPerAddress = limits.connectionsPerAddress
        let files = Self.openFiles - min(Self.reservedFiles, Self.openFiles / 2)
        connections = min(limits.connections ?? .max, files)
    }

    /// For connections that are told an address and closed.
    static var forBalancer: PeerLimits {
        var limits = PeerLimits()
        limits.connections = balancerConnections
        limits.writeTimeout = .seconds(10)
        return limits
    }

    /// The limit of open files of this process.
    private static var openFiles: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }
}
