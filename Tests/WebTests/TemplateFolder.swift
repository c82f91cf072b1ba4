// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A folder for templates that goes away with this value.
struct TemplateFolder {
    private let folder: TemporaryFolder
    var path: String { folder.path }
    var home: String { folder.path("home.mustache") }

    init() throws {
        folder = try TemporaryFolder()
    }

    func write(_ text: String) throws {
        try folder.write(text, to: "home.mustache")
    }

    func write(_ bytes: [UInt8]) throws {
        try folder.write(bytes, to: "home.mustache")
    }
}
