// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import ParleyServer
import ServiceLifecycle
import UnixSignals

/// Ends the server at a signal: in order at the first one, at once at a later one.
///
/// SIGHUP lets it read its settings again.
struct SignalService: Service {
    let signals: UnixSignalsSequence
    let stop: StopRequest
    /// Asks for the settings to be read again.
    var reload: AsyncStream<Void>.Continuation?
    let terminal: ControllingTerminal
    let logger: Logger

    func run() async throws {
        var requests = EndRequests()
        for await signal in signals.cancelOnGracefulShutdown() {
            if signal == .sighup, let reload {
                switch terminal.meaningOfHangUp {
                case .reload:
                    reload.yield()
                    continue
                case .nothing: continue
                case .end: break
                }
            }
            switch requests.next(at: .now) {
            case .inOrder:
                logger.info("Stopping; a second signal ends at once", metadata: ["signal": "\(signal)"])
                stop.begin()
            case .repeated: break
            case .atOnce:
                // As if the signal had not been caught.
                _exit(128 + (signal == .sigint ? SIGINT : signal == .sighup ? SIGHUP : SIGTERM))
            }
        }
    }
}

/// What each of the signals that ask for the end means.
struct EndRequests {
    enum Meaning {
        case inOrder, repeated, atOnce
    }

    /// A signal so soon after the first belongs to it: `timeout` signals the process and then its group, and a program
    /// that started the server may pass on the Ctrl-C that the terminal has sent to both.
    static let moment = Duration.milliseconds(250)

    private var first: ContinuousClock.Instant?

    mutating func next(at time: ContinuousClock.Instant) -> Meaning {
        guard let first else {
            first = time
            return .inOrder
        }
        return time - first < Self.moment ? .repeated : .atOnce
    }
}

/// The terminal that the process was started in, if any: when it is closed the kernel sends SIGHUP, too.
struct ControllingTerminal: Sendable {
    /// What SIGHUP asks for.
    enum HangUp {
        case reload, end, nothing
    }

    private let isThereAtTheStart: Bool
    /// As `nohup` leaves it.
    private let ignoresHangUp: Bool

    /// Looks at the process before it handles SIGHUP.
    init() {
        isThereAtTheStart = Self.isThere
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        ignoresHangUp = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Without its terminal a server that was started in one ends, unless it was started to outlive it.
    var meaningOfHangUp: HangUp {
        guard isThereAtTheStart, !Self.isThere else { return .reload }
        return ignoresHangUp ? .nothing : .end
    }

    private static var isThere: Bool {
        let descriptor = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }
}
