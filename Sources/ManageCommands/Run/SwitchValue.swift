// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A yes or no on the command line, in the spellings that uvicorn takes.
package enum SwitchValue: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// `yes`, `on`, `1`, `t` and `y` mean the same.
    case `true`
    /// `no`, `off`, `0`, `f` and `n` mean the same.
    case `false`

    /// Reads a word in any case.
    package init?(argument: String) {
        switch argument.lowercased() {
        case "true", "yes", "on", "1", "t", "y": self = .true
        case "false", "no", "off", "0", "f", "n": self = .false
        default: return nil
        }
    }

    /// Whether it is a yes.
    package var isOn: Bool { self == .true }
}
