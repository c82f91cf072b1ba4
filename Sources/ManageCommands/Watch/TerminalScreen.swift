// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOPosix

/// A terminal whose whole screen a command paints, and whose keys it gets one by one.
///
/// `restore` puts everything back; until then Ctrl-C is a key.
final class TerminalScreen: Sendable {
    /// Lines and columns of a screen.
    struct Size: Equatable, Sendable {
        /// 24 × 80, when the terminal does not say.
        static let usual = Size(lines: 24, columns: 80)

        var lines: Int
        var columns: Int
    }

    /// TIOCGWINSZ of linux/asm-generic/ioctls.h, which the C importer does not see.
    private static let sizeRequest: UInt = 0x5413

    private let input: Int32
    private let output: TextOutput
    private let original: termios
    private let usesAlternateScreen: Bool

    /// Takes over a terminal.
    ///
    /// - Throws: `CommandError` when it is no terminal.
    init(input: Int32, output: TextOutput, isAlternate: Bool) throws(CommandError) {
        var original = termios()
        guard tcgetattr(input, &original) == 0 else { throw Self.noTerminal }
        var raw = original
        raw.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG | IEXTEN)
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR)
        guard tcsetattr(input, TCSADRAIN, &raw) == 0 else { throw Self.noTerminal }
        self.input = input
        self.output = output
        self.original = original
        usesAlternateScreen = isAlternate
        if isAlternate { try output.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J") }
    }

    private static let noTerminal = CommandError(
        .usage, "This command needs a terminal.", nextStep: "Run it in one, without redirecting its input.")

    /// Puts the terminal back as it was.
    func restore() {
        if usesAlternateScreen { try? output.write("\u{1B}[?25h\u{1B}[?1049l") }
        var original = original
        tcsetattr(input, TCSADRAIN, &original)
    }

    /// How large the screen is now.
    var size: Size { Self.size(of: input) }

    /// How large the screen of a terminal is; 24 × 80 for what is none.
    static func size(of descriptor: Int32) -> Size {
        var size = winsize()
        guard ioctl(descriptor, sizeRequest, &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return .usual }
        return Size(lines: Int(size.ws_row), columns: Int(size.ws_col))
    }

    /// Paints the whole screen with lines, in place of what is there: each line is overwritten, so nothing flickers.
    ///
    /// Lines must not be longer than the screen is wide.
    func paint(_ lines: [String]) throws(CommandError) {
        let shown = lines.prefix(max(1, size.lines))
        try output.write("\u{1B}[H" + shown.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// The bytes that are typed, as they come; ends with the terminal, or with the task that reads.
    ///
    /// For one reader.
    func keys() -> AsyncStream<[UInt8]> {
        Self.bytes(from: input)
    }

    /// What can be read from a file, on a thread of its own, until its end.
    ///
    /// The thread looks about whether it is still wanted, so that the process can end in order.
    static func bytes(from descriptor: Int32) -> AsyncStream<[UInt8]> {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        var ends: [Int32] = [-1, -1]
        // Without the pipe the thread ends with the terminal only.
        if pipe(&ends) == 0 { for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) } }
        let (sleeper, waker) = (ends[0], ends[1])
        continuation.onTermination = { _ in
            var one: UInt8 = 1
            _ = write(waker, &one, 1)
        }
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.submit { _ in
            defer {
                continuation.finish()
                close(sleeper)
                close(waker)
                pool.shutdownGracefully { _ in }
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                var files = [
                    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: sleeper, events: Int16(POLLIN), revents: 0),
                ]
                let ready = poll(&files, 2, -1)
                if ready < 0, errno == EINTR { continue }
                guard ready > 0, files[1].revents == 0 else { return }
                let count = read(descriptor, &chunk, chunk.count)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                guard count > 0 else { return }
                continuation.yield(Array(chunk[..<count]))
            }
        }
        return stream
    }
}
