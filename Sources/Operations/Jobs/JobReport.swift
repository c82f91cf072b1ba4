// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A long operation that was started and goes on by itself, as it stands.
package struct JobReport: Codable, Sendable, Equatable {
    /// Where a job stands.
    package enum State: String, Codable, Sendable, CaseIterable {
        case running
        case done
        case failed
        /// An administrator ended it; what it had done until then stays.
        case cancelled
    }

    /// Names the job.
    package var id: String
    /// The operation's name.
    package var operation: String
    /// Who started it.
    package var principal: String
    /// Where it stands.
    package var state: State
    /// How far it is, if it says so.
    @Nullable package var progress: OperationProgress?
    /// When it was started, as RFC 3339 writes it.
    package var started: String
    /// When it ended; `nil` while it is running.
    @Nullable package var ended: String?
    /// Why it failed.
    @Nullable package var error: OperationError?
}

/// A job with what its operation reported.
package struct JobSnapshot: Sendable {
    /// The job without its result.
    package var report: JobReport
    /// The operation's report as JSON, when the job is done.
    package var result: [UInt8]?

    /// The job as an object, with `result` in it when it is done.
    package var json: [UInt8] {
        // Texts and whole numbers only, which JSON always takes.
        var bytes = (try? Array(JSONEncoder.forOperations([.sortedKeys]).encode(report))) ?? Array("{}".utf8)
        guard let result else { return bytes }
        bytes.removeLast()
        return bytes + Array(#","result":"#.utf8) + result + [UInt8(ascii: "}")]
    }
}
