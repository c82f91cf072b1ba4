// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Logging
import Synchronization
import TestSupport

@testable import Web

/// A `WebService` whose server and checks a test commands, and which counts how often they were asked.
final class ServiceFixture: Sendable {
    struct State: Sendable {
        var status: ServerStatus?
        var checks: [ReadinessCheck]
        var statusCalls = 0
        var readinessCalls = 0
        var choice: ServerChoice?
    }

    let clock = ManualClock()
    let log = LogCapture()
    let state: Mutex<State>

    init(status: ServerStatus? = .example, checks: [ReadinessCheck] = []) {
        self.state = Mutex(State(status: status, checks: checks))
    }

    func service(
        templatesFolder: String? = nil, balances: Bool = false, servesChat: Bool = false, closedPaths: [String] = [],
        logsRequests: Bool = false,
        api: (@Sendable (APICall) async -> APIAnswer)? = nil
    ) throws(TemplateError) -> WebService {
        let balance: @Sendable () async -> ServerChoice? = { self.state.withLock { $0.choice } }
        return try WebService(
            version: "0.1.0",
            status: {
                self.state.withLock { state in
                    state.statusCalls += 1
                    return state.status
                }
            },
            readiness: {
                self.state.withLock { state in
                    state.readinessCalls += 1
                    return state.checks
                }
            },
            balance: balances ? balance : nil,
            api: api,
            servesChat: servesChat,
            closedPaths: closedPaths,
            templatesFolder: templatesFolder,
            clock: self.clock,
            logsRequests: logsRequests,
            logger: self.log.logger(.trace)
        )
    }
}

extension ServerStatus {
    /// The example in a mode.
    static func `in`(_ mode: ServiceMode) -> ServerStatus {
        var status = example
        status.mode = mode
        return status
    }

    static let example = ServerStatus(
        name: "Café <Parley>",
        version: "0.1.0",
        uptime: .seconds(93784),
        protocols: [("MTP", "ws://chat.example:8080/ws")],
        users: 12,
        flows: 3456,
        messages: 7_890_123
    )
}
