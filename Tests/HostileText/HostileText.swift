// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Texts that take the square of their length when a `String` compares, hashes, splits or searches them, and what work
/// on them costs beside other texts of the same size.
package enum HostileText {
    /// The size of a text; at this size each comparison as a `String` takes 0.2 to 0.4 seconds.
    package static let standardBytes = 60_000

    /// How many times more processor time than for plain text is still taken for the same order of growth.
    ///
    /// With the square of the length it is thousands of times more.
    package static let tolerance = 10.0

    /// `a` and two combining marks in turn, which normalization has to sort.
    package static func marks(_ bytes: Int = standardBytes) -> String {
        var text = "a".unicodeScalars
        for index in 0..<max(0, (bytes - 1) / 2) { text.append(index.isMultiple(of: 2) ? "\u{315}" : "\u{316}") }
        return String(text)
    }

    /// Letters of two bytes.
    package static func letters(_ bytes: Int = standardBytes) -> String {
        String(repeating: "\u{436}", count: bytes / 2)
    }

    /// For each string of a JSON text, the names of members among them, what makes a copy with another text in its
    /// place.
    ///
    /// - Parameter json: Without escaped quotation marks in its strings.
    /// - Returns: One for each string.
    package static func variants(ofJSON json: String) -> [(_ text: String) -> String] {
        let parts = json.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        return stride(from: 1, to: parts.count, by: 2).map { index in
            { text in
                var changed = parts
                changed[index] = text
                return changed.joined(separator: "\"")
            }
        }
    }

    /// How many times more processor time of this thread work takes for a hostile text than for letters.
    ///
    /// The work must not leave the thread.
    package static func slowdown(bytes: Int = standardBytes, _ work: (String) throws -> Void) rethrows -> Double {
        let (letters, marks) = (letters(bytes), marks(bytes))
        // What is made at the first use is not the text's doing.
        try work("x")
        return try ratio({ try work(marks) }, to: { try work(letters) })
    }

    /// How many times more processor time of this thread one work takes than another; neither must leave the thread.
    package static func ratio(_ work: () throws -> Void, to other: () throws -> Void) rethrows -> Double {
        let other = try threadTime(other)
        return try ratio(threadTime(work), to: other)
    }

    /// How many times more one time is than another; both begin at a millisecond, below which a machine is not exact.
    package static func ratio(_ hostile: Duration, to plain: Duration) -> Double {
        max(hostile, .milliseconds(1)) / max(plain, .milliseconds(1))
    }

    /// The processor time of this thread that work takes.
    private static func threadTime(_ work: () throws -> Void) rethrows -> Duration {
        let start = time(of: CLOCK_THREAD_CPUTIME_ID)
        try work()
        return time(of: CLOCK_THREAD_CPUTIME_ID) - start
    }

    /// The processor time that a process has taken so far; `nil` if there is none of that number.
    package static func processTime(of process: Int32) -> Duration? {
        var clock = clockid_t()
        guard clock_getcpuclockid(process, &clock) == 0 else { return nil }
        return time(of: clock)
    }

    private static func time(of clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
