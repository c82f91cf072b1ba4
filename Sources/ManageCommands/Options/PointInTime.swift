// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials

/// A time on the command line: `2026-01-31`, `2026-01-31T12:00:00Z`, Unix seconds, or a length of time ago such as
/// `7d`.
struct PointInTime: ExpressibleByArgument, Equatable {
    private enum Kind: Equatable {
        case at(Int64)
        case ago(Int64)
    }

    private let kind: Kind

    init?(argument: String) {
        if let seconds = Int64(argument) {
            kind = .at(seconds)
        } else if let length = LifetimeWord(argument: argument) {
            kind = .ago(length.seconds)
        } else if let date = try? Date(argument, strategy: .iso8601) {
            kind = .at(Int64(date.timeIntervalSince1970.rounded(.down)))
        } else if let date = try? Date(argument, strategy: .iso8601.year().month().day()) {
            kind = .at(Int64(date.timeIntervalSince1970.rounded(.down)))
        } else {
            return nil
        }
    }

    /// In Unix seconds, given what time it is.
    func seconds(now: Int) -> Int64 {
        switch kind {
        case .at(let seconds): seconds
        case .ago(let seconds): Int64(now) - seconds
        }
    }

    /// What the help says of such a value.
    static let form = "2026-01-31, 2026-01-31T12:00:00Z, Unix seconds, or 7d for so long ago"
}
