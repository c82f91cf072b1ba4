// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TestClient

extension WireProtocol: ExpressibleByArgument {}

/// Which protocols `testclient session` walks through.
enum WireProtocolChoice: String, CaseIterable, Sendable, ExpressibleByArgument {
    case mtp, skaro, messenger, fastchat, all

    /// The one that is named; `nil` for all of them.
    var one: WireProtocol? { WireProtocol(rawValue: rawValue) }
}
