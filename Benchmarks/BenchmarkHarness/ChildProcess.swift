// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Glibc
import NIOPosix

/// A program that the benchmark started, and what it wrote to its standard output.
///
/// Ctrl-C on a terminal reaches it as well: it stays in the process group of the benchmark.
package final class ChildProcess: Sendable {
    package let id: pid_t
    private let output: Int32

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: The path of the program.
    ///   - arguments: Without the program's name.
    ///   - errorFile: Where its standard error goes.
    /// - Throws: `BenchmarkFailure` when it cannot be started.
    package init(program: String, arguments: [String], errorFile: String) throws(BenchmarkFailure) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw BenchmarkFailure("There is no pipe: errno \(errno).") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, errorFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, program, &actions, nil, &words, environ)
        close(ends[1])
        guard status == 0 else {
            close(ends[0])
            throw BenchmarkFailure("'\(program)' cannot be started: \(String(cString: strerror(status))).")
        }
        id = child
        output = ends[0]
    }

    deinit {
        close(output)
    }

    /// Reads the standard output up to the first line that contains `marker`.
    ///
    /// - Parameter marker: What to look for.
    /// - Returns: That line.
    /// - Throws: `BenchmarkFailure` when the output ends without it.
    package func line(containing marker: String) async throws -> String {
        let output = output
        let line = try await NIOThreadPool.singleton.runIfActive { () -> String? in
            var line: [UInt8] = []
            var byte: UInt8 = 0
            while read(output, &byte, 1) == 1 {
                if byte != UInt8(ascii: "\n") {
                    line.append(byte)
                    continue
                }
                let text = String(decoding: line, as: UTF8.self)
                if text.contains(marker) { return text }
                line = []
            }
            return nil
        }
        guard let line else {
            throw BenchmarkFailure("A program that was started ended without a word of '\(marker)'.")
        }
        return line
    }

    /// Reads all that the program writes to its standard output, and waits for its end.
    ///
    /// - Returns: The text; `nil` when the program did not end with status 0.
    package func text() async throws -> String? {
        let output = output
        let text = try await NIOThreadPool.singleton.runIfActive { () -> [UInt8] in
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(output, &chunk, chunk.count)
                if count <= 0 { return text }
                text += chunk.prefix(count)
            }
        }
        return await ended() == 0 ? String(decoding: text, as: UTF8.self) : nil
    }

    /// Asks the program to end, and waits until it has.
    ///
    /// - Returns: Whether it ended by itself with status 0.
    @discardableResult
    package func terminate() async -> Bool {
        kill(id, SIGTERM)
        return await ended() == 0
    }

    /// Waits for the program's end.
    ///
    /// - Returns: Its status as `waitpid` gives it; -1 when that is not known.
    package func ended() async -> Int32 {
        let id = id
        let status = try? await NIOThreadPool.singleton.runIfActive { () -> Int32 in
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0 {
                if errno != EINTR { return -1 }
            }
            return status
        }
        return status ?? -1
    }
}
