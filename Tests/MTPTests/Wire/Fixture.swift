// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The frames in `Fixtures`, written after the examples of the published protocol.
enum Fixture {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(path)))
    }

    /// Compares with a file.
    ///
    /// `RECORD_SNAPSHOTS=1` writes the file instead, and fails the test.
    static func expect(_ path: String, toBe frame: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = folder.appendingPathComponent(path)
        let line = frame + [UInt8(ascii: "\n")]
        if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
            try Data(line).write(to: file)
            Issue.record("Recorded \(path).", sourceLocation: sourceLocation)
            return
        }
        #expect(
            String(decoding: line, as: UTF8.self) == String(decoding: try bytes(path), as: UTF8.self), "\(path)",
            sourceLocation: sourceLocation)
    }
}
