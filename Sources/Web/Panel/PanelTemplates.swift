// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Mustache
import Synchronization

/// The templates of the panel's pages: ours, embedded in the program, each replaced by the operator's file of its name.
final class PanelTemplates: Sendable {
    /// The built-in pages and the parts that they share, by the name of the file without its ending.
    ///
    /// A page is never looked for by a name from outside.
    private static let builtIn: [(name: String, bytes: [UInt8])] = [
        ("admin-head", PackageResources.admin_head_mustache),
        ("admin-foot", PackageResources.admin_foot_mustache),
        ("admin-login", PackageResources.admin_login_mustache),
        ("admin-message", PackageResources.admin_message_mustache),
        ("admin-confirm", PackageResources.admin_confirm_mustache),
        ("admin-overview", PackageResources.admin_overview_mustache),
        ("admin-live", PackageResources.admin_live_mustache),
        ("admin-users", PackageResources.admin_users_mustache),
        ("admin-user-new", PackageResources.admin_user_new_mustache),
        ("admin-user", PackageResources.admin_user_mustache),
        ("admin-flows", PackageResources.admin_flows_mustache),
        ("admin-flow-new", PackageResources.admin_flow_new_mustache),
        ("admin-flow", PackageResources.admin_flow_mustache),
        ("admin-messages", PackageResources.admin_messages_mustache),
        ("admin-invites", PackageResources.admin_invites_mustache),
        ("admin-nodes", PackageResources.admin_nodes_mustache),
        ("admin-administrators", PackageResources.admin_administrators_mustache),
        ("admin-audit", PackageResources.admin_audit_mustache),
        ("admin-log", PackageResources.admin_log_mustache),
        ("admin-log-records", PackageResources.admin_log_records_mustache),
        ("admin-backups", PackageResources.admin_backups_mustache),
        ("admin-backups-live", PackageResources.admin_backups_live_mustache),
        ("admin-settings", PackageResources.admin_settings_mustache),
        ("admin-setting", PackageResources.admin_setting_mustache),
    ]

    private let library: Mutex<MustacheLibrary>

    /// Loads the templates; files in `folder` are taken for the built-in ones of the same name.
    init(folder: String?) throws(TemplateError) {
        library = Mutex(try Self.load(from: folder))
    }

    /// Reads the operator's files again, from any folder; when one is broken all pages stay as they were.
    func reload(from folder: String?) throws(TemplateError) {
        let loaded = try Self.load(from: folder)
        library.withLock { $0 = loaded }
    }

    /// Renders the page of a name.
    func render(_ name: String, _ values: [String: Any]) -> String {
        let library = library.withLock { $0 }
        return library.getTemplate(named: name)?.render(values, library: library) ?? ""
    }

    private static func load(from folder: String?) throws(TemplateError) -> MustacheLibrary {
        var templates: [String: MustacheTemplate] = [:]
        for (name, bytes) in builtIn {
            templates[name] = try PageTemplates.load("\(name).mustache", from: folder, builtIn: bytes)
        }
        return MustacheLibrary(templates: templates)
    }
}
