// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Waiting for descriptors, on threads that may block.
enum SocketWait {
    static let readable = Int32(POLLIN)
    static let writable = Int32(POLLOUT)

    /// Waits until `descriptor` is ready.
    ///
    /// Without a `timeout` it waits without end.
    ///
    /// - Returns: The events that are there, errors among them; 0 when the time is over.
    static func wait(_ descriptor: Int32, for events: Int32, atMost timeout: Duration?) -> Int32 {
        var entries = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
        guard descriptor >= 0 else { return POLLERR }
        return wait(&entries, atMost: timeout) > 0 ? Int32(entries[0].revents) : 0
    }

    /// Waits until one of `entries` is ready; negative descriptors are passed over.
    ///
    /// - Returns: How many are ready.
    static func wait(_ entries: inout [pollfd], atMost timeout: Duration?) -> Int32 {
        let clock = ContinuousClock()
        let deadline = timeout.map { clock.now + $0 }
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = max(clock.now.duration(to: deadline), .zero).components
                // Rounded up: waking early would only mean another turn.
                let whole = left.seconds.multipliedReportingOverflow(by: 1000)
                let part = (left.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
                milliseconds = whole.overflow ? Int32.max : Int32(clamping: whole.partialValue + part)
            }
            let ready = poll(&entries, nfds_t(entries.count), milliseconds)
            if ready >= 0 { return ready }
            guard errno == EINTR else {
                for index in entries.indices { entries[index].revents = Int16(POLLERR) }
                return Int32(entries.count)
            }
        }
    }
}

/// Wakes a thread that waits with `poll`.
///
/// A pair of sockets, closed when the last reference goes.
final class WakeUp: Sendable {
    /// Readable after `signal`, until `clear`.
    let descriptor: Int32
    private let signalling: Int32

    /// `nil` when the process has no descriptor left.
    init?() {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard socketpair(AF_UNIX, Int32(type), 0, &ends) == 0 else { return nil }
        descriptor = ends[0]
        signalling = ends[1]
    }

    deinit {
        close(descriptor)
        close(signalling)
    }

    func signal() {
        var byte: UInt8 = 0
        // Fails only when the buffer is full, and then the thread is being woken already.
        _ = write(signalling, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(descriptor, &bytes, bytes.count) == bytes.count {}
    }
}
