// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Holds up a thread until it is opened.
final class Gate: Sendable {
    private let group = DispatchGroup()

    init() { group.enter() }

    func open() { group.leave() }

    func wait() { group.wait() }
}
