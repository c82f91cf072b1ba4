// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Testing

/// A time of day that the test moves, by a library that stands before the C library.
struct MovableClock {
    private let file: String
    private let library: String
    private static let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ClockJump/clock_jump.c").path

    init(_ program: Program) async throws {
        file = program.path("clock")
        library = program.path("clock.so")
        let made = try await program.run([
            "/usr/bin/cc", "-shared", "-fPIC", "-O1", "-o", library, Self.source,
        ])
        try #require(made.ending == .exited(0), "\(made.errors)")
        try Data(repeating: 0, count: MemoryLayout<Int64>.size).write(to: URL(filePath: file))
    }

    /// Stands before the name of the program that shall have this clock.
    var tracer: [String] { ["/usr/bin/env", "LD_PRELOAD=\(library)", "CLOCK_JUMP_FILE=\(file)"] }

    /// Moves the clock to so many seconds after the real time.
    func set(_ seconds: Int64) throws {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        // The file is mapped: it is written in place, at once.
        let written = withUnsafeBytes(of: seconds) { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        try #require(written == MemoryLayout<Int64>.size)
    }
}
