// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Storage
import Synchronization

/// What started the server as a service of `Type=notify`, such as systemd: it is told how the server is, by
/// sd_notify(3).
package final class ServiceManager: Sendable {
    /// How often it wants a sign of life; `nil`: it does not watch.
    let watchdog: Duration?
    /// What the status line says besides.
    private let note = Mutex<String?>(nil)
    /// The path of its socket; a name without a file begins with `@`.
    private let path: [UInt8]
    /// The most bytes of a path; one more ends it.
    private static let maximumPathBytes = 107

    /// Reads what a service manager puts into the environment; `nil` when none wants to be told.
    package init?(environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@"),
            path.utf8.count <= Self.maximumPathBytes
        else { return nil }
        self.path = Array(path.utf8)
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isForUs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Says that the settings are being read again; `READY=1` ends that.
    func tellReloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        tell("RELOADING=1", "MONOTONIC_USEC=\(microseconds)")
    }

    /// Says that the server reads its settings no longer; after a refusal the status line tells of it until the next
    /// reload.
    func tellReloaded(isRefused: Bool) {
        note.withLock { $0 = isRefused ? "the last reload was refused, see the log" : nil }
        tell("READY=1")
    }

    /// Sends the status line, with assignments such as `WATCHDOG=1`.
    func tell(_ assignments: String..., status: String) {
        let note = note.withLock { $0 }
        send(assignments + ["STATUS=" + [status, note].compactMap(\.self).joined(separator: "; ")])
    }

    /// Asks for time as long as work goes on that comes before `READY=1`.
    func extendingTimeout<Value: Sendable>(
        _ work: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                repeat {
                    self.tell("EXTEND_TIMEOUT_USEC=60000000")
                } while (try? await Task.sleep(for: .seconds(20))) != nil
            }
            defer { group.cancelAll() }
            do throws(StorageError) {
                return Result<Value, StorageError>.success(try await work())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Sends assignments such as `READY=1`, together; when the socket takes none, the server runs all the same.
    func tell(_ assignments: String...) { send(assignments) }

    private func send(_ assignments: [String]) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // A manager that hangs must not hang the server.
        var timeout = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path)
            // A socket without a file: a zero stands in front of its name.
            if path.first == UInt8(ascii: "@") { bytes[0] = 0 }
        }
        let message = Array(assignments.joined(separator: "\n").utf8)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
