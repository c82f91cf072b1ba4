// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// The keys whose values are others than in `earlier`, in the order of the documentation; of secrets, too.
    package func changedKeys(since earlier: Settings) -> [SettingKey] {
        SettingKey.all.filter { valuesByKey[$0] != earlier.valuesByKey[$0] }
    }

    /// These settings, but for the values that are compared and shown: those of the named keys are as in `newer`.
    ///
    /// The typed values stay.
    package func noting(_ keys: some Sequence<SettingKey>, of newer: Settings) -> Settings {
        var noted = self
        for key in keys {
            noted.valuesByKey[key] = newer.valuesByKey[key]
            guard let place = noted.resolved.firstIndex(where: { $0.key == key }),
                let shown = newer.resolved.first(where: { $0.key == key })
            else { continue }
            noted.resolved[place] = shown
        }
        return noted
    }

    /// The value of a key for display; `nil` when it is unset.
    package func text(of key: SettingKey) -> String? { resolved.first { $0.key == key }?.text }
}
