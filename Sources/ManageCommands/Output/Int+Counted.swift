// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension BinaryInteger {
    /// The number with a noun that agrees with it: `1 group`, `2 groups`.
    func counted(_ noun: String) -> String {
        self == 1 ? "\(self) \(noun)" : "\(self) \(noun)s"
    }
}
