// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Operations

/// Why a command failed, as `--json` tells it: one line on standard error.
struct ErrorReport: Encodable {
    private struct Failure: Encodable {
        var status: Int32
        var message: String
        @Nullable var nextStep: String?
    }

    private let error: Failure
    private let version = 1

    init(_ error: CommandError) {
        self.error = Failure(status: error.status.rawValue, message: error.message, nextStep: error.nextStep)
    }

    /// The object with a line break.
    var line: String {
        // Texts and a number only, which JSON always takes.
        guard let bytes = try? JSONEncoder.forOperations([.sortedKeys, .withoutEscapingSlashes]).encode(self) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }
}
