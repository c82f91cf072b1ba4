// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Configuration

/// The settings file as a provider of swift-configuration: keys have the components `[section, key]` in lower case.
package struct INIProvider: ConfigProvider, ConfigSnapshot {
    /// Why a value has not the type that was asked for.
    package struct TypeError: Error, CustomStringConvertible {
        /// Where the value stands, such as `config.ini:12`.
        package var place: String
        /// The type that was asked for.
        package var type: ConfigType

        /// A sentence without the value.
        package var description: String { "The value at \(place) cannot be read as \(type.rawValue)." }
    }

    private struct Value {
        var text: String
        var line: Int
        var isSecret: Bool
    }

    /// The provider's name in access logs.
    package let providerName = "INIProvider"
    private let file: String
    private var values: [[String]: Value] = [:]

    /// Creates a provider of those entries of a document that the table of keys knows.
    package init(document: INIDocument, file: String, keys: [SettingKey]) {
        self.file = file
        for key in keys {
            guard let entry = document.entry(section: key.section, names: key.names) else { continue }
            values[key.components] = Value(text: entry.value, line: entry.line, isSecret: key.mayHoldSecret)
        }
    }

    /// The line of the entry that answers for a key.
    package func line(of key: SettingKey) -> Int? {
        values[key.components]?.line
    }

    /// Looks a key up; text, whole numbers, numbers and booleans are understood.
    package func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let components = key.components.map { $0.lowercased() }
        guard let value = values[components] else {
            return LookupResult(encodedKey: components.joined(separator: "."), value: nil)
        }
        let place = "\(file):\(value.line)"
        let content: ConfigContent? =
            switch type {
            case .string: .string(value.text)
            case .int: Int(value.text).map { .int($0) }
            case .double: Double(value.text).map { .double($0) }
            case .bool: SettingKind.boolean(value.text).map { .bool($0) }
            default: nil
            }
        guard let content else { throw TypeError(place: place, type: type) }
        return LookupResult(encodedKey: place, value: ConfigValue(content, isSecret: value.isSecret))
    }

    /// The same as `value(forKey:type:)`: the file was read before.
    nonisolated(nonsending) package func fetchValue(
        forKey key: AbsoluteConfigKey, type: ConfigType
    ) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    /// Hands out the one value there is: a loaded file does not change.
    nonisolated(nonsending) package func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey,
        type: ConfigType,
        updatesHandler:
            nonisolated(nonsending) (
                _ updates: ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    /// The provider itself: a loaded file does not change.
    package func snapshot() -> any ConfigSnapshot { self }

    /// Hands out the one snapshot there is.
    nonisolated(nonsending) package func watchSnapshot<Return: ~Copyable>(
        updatesHandler:
            nonisolated(nonsending) (
                _ updates: ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
