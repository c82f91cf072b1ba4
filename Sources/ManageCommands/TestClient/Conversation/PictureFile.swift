// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A picture to send, by its path.
enum PictureFile {
    /// What the file contains; more than `maximumBytes` are refused with `.usage`.
    static func bytes(_ path: String, maximumBytes: Int) throws(CommandError) -> [UInt8] {
        guard let file = AttachmentFile(argument: "picture=\(path)") else {
            throw CommandError(.usage, "Say which file: /image PATH")
        }
        let bytes = try file.bytes()
        guard bytes.count <= maximumBytes else {
            throw CommandError(
                .usage, "The picture '\(path)' is larger than \(maximumBytes >> 20) MiB.",
                nextStep: "Send a smaller one.")
        }
        return bytes
    }
}
