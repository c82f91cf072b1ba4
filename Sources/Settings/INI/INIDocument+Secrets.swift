// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension INIDocument {
    /// The document without the values of secret settings, and without the password in the database's address.
    ///
    /// Comments stay as they are.
    ///
    /// - Parameter folder: What relative paths count from.
    /// - Returns: `nil` when a secret cannot be taken out, such as one under `[DEFAULT]`.
    package func withoutSecrets(folder: String) -> INIDocument? {
        var document = self
        for key in SettingKey.all where key.mayHoldSecret {
            guard let entry = document.entry(section: key.section, names: key.names) else { continue }
            guard key.kind == .databaseURI else {
                _ = document.remove(section: key.section, names: key.names)
                guard document.entry(section: key.section, names: key.names) == nil else { return nil }
                continue
            }
            guard case .postgres(var location)? = try? DatabaseLocation(uri: entry.value, folder: folder),
                location.holdsSecret
            else { continue }
            location.password = nil
            location.parameters.removeAll { $0.name == "sslpassword" }
            do { try document.set(section: key.section, names: key.names, to: location.description) } catch {
                return nil
            }
        }
        return document
    }
}
