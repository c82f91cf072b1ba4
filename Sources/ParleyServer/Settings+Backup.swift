// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Archive
import Glibc
package import Settings

extension Settings {
    /// The settings file as a backup keeps it: without secrets.
    package var filesForBackup: [ArchivedFile] {
        guard let file, let document = try? SettingsFile(path: file, choice: .option).document(),
            let safe = try? document.withoutSecrets(folder: folder)
        else { return [] }
        return [ArchivedFile(name: "config.ini", bytes: safe.bytes)]
    }

    /// The settings file as it is, and the key that opens what is sealed in the database.
    package var filesWithSecrets: [ArchivedFile] {
        var files: [ArchivedFile] = []
        for (name, path) in [("config.ini", file), ("secret.key", secrets.keyFile)] {
            guard let path, let bytes = try? SettingsFile(path: path, choice: .option).read() else { continue }
            files.append(ArchivedFile(name: name, bytes: bytes))
        }
        return files
    }
}
