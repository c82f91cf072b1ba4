// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why a page template cannot be used: `/etc/parley/home.mustache, line 12: A section is not closed. …`.
package struct TemplateError: Error, Equatable, CustomStringConvertible {
    /// The file.
    package let path: String
    /// The line in question, from 1; `nil` when the file as a whole is at fault.
    package let line: Int?
    /// What is the matter, a sentence.
    package let message: String

    /// The place, what is the matter, and the way out.
    package var description: String {
        let place = self.line.map { "\(self.path), line \($0)" } ?? self.path
        return "\(place): \(self.message) Correct the file, or remove it to get the built-in page."
    }
}
