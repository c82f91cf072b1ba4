// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Logging

/// What is told of every request of a protocol when it is answered: a line of the log at level debug, and a count.
///
/// The line says who, what, how long and with which outcome; nothing of what the request says. While the log does not
/// want level debug it costs the check of the level.
package final class RequestLog: Sendable {
    /// Takes a request's command, its outcome, why it was not done, and how long it took in nanoseconds.
    package typealias Count =
        @Sendable (_ command: String, _ outcome: String, _ refusal: String?, _ nanoseconds: UInt64) -> Void

    /// The command of what the protocol does not know.
    package static let unknownCommand = "unknown"
    /// The key of the account's row number in a line.
    package static let accountKey = "chat.user.id"
    /// The key of the connection's number in a line.
    package static let connectionKey = "chat.connection.id"

    private let protocolName: String
    private let logger: Logger
    private let count: Count

    /// The log of one protocol's requests.
    package init(protocol name: String, logger: Logger, count: @escaping Count) {
        protocolName = name
        self.logger = logger
        self.count = count
    }

    /// What is told of the requests of one connection, whose client is at `address`.
    package func ofConnection(_ connection: ConnectionID, at address: String) -> ConnectionRequestLog {
        ConnectionRequestLog(log: self, connection: connection, address: address)
    }

    fileprivate var isOn: Bool { logger.logLevel <= .debug }

    fileprivate func answered(
        _ command: String, _ outcome: RequestOutcome, in nanoseconds: UInt64, account: Int64?,
        connection: ConnectionID, address: String
    ) {
        count(command, outcome.kind.rawValue, outcome.refusal, nanoseconds)
        guard isOn else { return }
        var metadata: Logger.Metadata = [
            "protocol": "\(protocolName)", "command": "\(command)", "outcome": "\(outcome.kind.rawValue)",
            "status": "\(outcome.word)", "address": "\(address)", "ms": "\(Self.milliseconds(nanoseconds))",
            Self.connectionKey: "\(connection)",
        ]
        if let account { metadata[Self.accountKey] = "\(account)" }
        logger.debug("Request answered", metadata: metadata)
    }

    /// With three decimals.
    private static func milliseconds(_ nanoseconds: UInt64) -> String {
        let microseconds = nanoseconds / 1000
        let rest = "\(microseconds % 1000)"
        return "\(microseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}

/// What is told of the requests of one connection.
public struct ConnectionRequestLog: Sendable {
    fileprivate let log: RequestLog
    fileprivate let connection: ConnectionID
    fileprivate let address: String

    /// Whether lines are wanted.
    public var isOn: Bool { log.isOn }

    /// Now, in nanoseconds of the monotonic clock.
    public static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// A request that came at `arrival` is answered; `account` is the row number of whose it was, if that is known.
    public func answered(_ command: String, _ outcome: RequestOutcome, arrival: UInt64, account: Int64?) {
        let now = Self.now()
        log.answered(
            command, outcome, in: now > arrival ? now - arrival : 0, account: account, connection: connection,
            address: address)
    }
}
