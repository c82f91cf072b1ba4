// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder for templates that goes away with this value.
final class TemplateFolder {
    let path: String
    var home: String { self.path + "/home.mustache" }

    struct Failure: Error {
        var code: Int32
    }

    init() throws {
        var template = Array("/tmp/parley-templates-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else { throw Failure(code: errno) }
        self.path = made
    }

    deinit {
        unlink(self.home)
        rmdir(self.home)
        rmdir(self.path)
    }

    func write(_ text: String) throws {
        try self.write(Array(text.utf8))
    }

    func write(_ bytes: [UInt8]) throws {
        guard let file = fopen(self.home, "w") else { throw Failure(code: errno) }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Failure(code: errno) }
    }
}
