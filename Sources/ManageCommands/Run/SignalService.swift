// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import ParleyServer
import ServiceLifecycle
import UnixSignals

/// Ends the server at a signal: in order at the first one, at once at the second.
struct SignalService: Service {
    let signals: UnixSignalsSequence
    let stop: StopRequest
    let logger: Logger

    func run() async throws {
        var isEnding = false
        for await signal in signals.cancelOnGracefulShutdown() {
            if isEnding {
                // As if the signal had not been caught.
                _exit(128 + (signal == .sigint ? SIGINT : SIGTERM))
            }
            isEnding = true
            logger.info("Stopping; a second signal ends at once", metadata: ["signal": "\(signal)"])
            stop.begin()
        }
    }
}
