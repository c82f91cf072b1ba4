// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Operations

/// Settings: all of them, and one to change.
extension AdminPanel {
    /// Answers `/admin/settings`.
    static func settings(_ visit: PanelVisit) async throws(OperationError) -> Response {
        var sections: [(name: String, keys: [[String: Any]])] = []
        for setting in try await visit.run(ListSettings()).settings {
            if sections.last?.name != setting.section { sections.append((setting.section, [])) }
            sections[sections.count - 1].keys.append(setting.values)
        }
        return visit.page(
            "admin-settings", title: "Settings", ["sections": sections.map { ["name": $0.name, "keys": $0.keys] }])
    }

    /// Answers `/admin/settings/change`: one setting with its form.
    static func setting(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.settingPage(visit.query.text("key"))
    }

    static func changeSetting(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.change(to: SecretText(visit.form.text("value")))
    }

    /// Takes the value out of the file.
    static func unsetSetting(_ visit: PanelVisit) async throws(OperationError) -> Response {
        try await visit.change(to: nil)
    }
}

extension PanelVisit {
    fileprivate func change(to value: SecretText?) async throws(OperationError) -> Response {
        let key = form.text("key")
        do throws(OperationError) {
            let report = try await run(ChangeSetting(key: key, value: value))
            let notice: PanelNotice =
                switch report.change?.outcome {
                case .applied: .applied
                case .restart, .refused, .unused: .restart
                case nil: .unchanged
                }
            return done(notice, at: "/admin/settings")
        } catch {
            return try await settingPage(key, error: error)
        }
    }

    fileprivate func settingPage(_ key: String, error: OperationError? = nil) async throws(OperationError) -> Response {
        let found = try await run(ListSettings()).settings.first { $0.key.utf8.elementsEqual(key.utf8) }
        guard let found, found.isChangeable else {
            throw error
                ?? OperationError(.notFound, "There is no setting '\(key.prefix(100))' that can be changed here.")
        }
        var values = found.values
        values["text"] = form["value"] ?? found.coming ?? found.value ?? ""
        return page("admin-setting", title: found.key, values, error: error)
    }
}

extension ListSettings.Setting {
    fileprivate var values: [String: Any] {
        [
            "name": name, "key": key, "path": "/admin/settings/change?key=\(AddressText.encoded(key))",
            "value": value ?? "–", "coming": coming ?? false, "source": source, "standard": standard ?? "–",
            "summary": summary, "restart": needsRestart, "changeable": isChangeable, "chosen": source != "default",
        ]
    }
}
