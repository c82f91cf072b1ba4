// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Why a command failed, as `--json` tells it: one line on standard error.
struct ErrorReport: Encodable {
    private struct Failure: Encodable {
        private enum CodingKeys: String, CodingKey {
            case status, message
            case nextStep = "next_step"
        }

        var error: CommandError

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(error.status.rawValue, forKey: .status)
            try container.encode(error.message, forKey: .message)
            try container.encode(error.nextStep, forKey: .nextStep)
        }
    }

    private enum CodingKeys: String, CodingKey { case error, version }

    private let error: CommandError

    init(_ error: CommandError) {
        self.error = error
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Failure(error: error), forKey: .error)
        try container.encode(1, forKey: .version)
    }

    /// The object with a line break.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and a number only, which JSON always takes.
        guard let bytes = try? encoder.encode(self) else { return "" }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }
}
