// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// Where the pages are.
extension AdminPanel {
    private static let files: [(path: RouterPath, type: String, bytes: [UInt8])] = [
        ("/admin/panel.css", "text/css; charset=utf-8", PackageResources.panel_css),
        ("/admin/panel.js", "text/javascript; charset=utf-8", PackageResources.panel_js),
    ]

    /// Pages that are looked at.
    static let shown: [(path: String, page: PanelPage)] = [
        ("/admin", overview), ("/admin/live", live),
        ("/admin/users", users), ("/admin/users/new", newUser), ("/admin/users/show", user),
        ("/admin/users/delete", askToDeleteUser),
        ("/admin/flows", flows), ("/admin/flows/new", newFlow), ("/admin/flows/show", flow),
        ("/admin/flows/delete", askToDeleteFlow),
        ("/admin/messages", messages), ("/admin/messages/delete", askToDeleteMessage),
        ("/admin/invites", invites), ("/admin/nodes", nodes),
        ("/admin/administrators", administrators), ("/admin/administrators/delete", askToDeleteAdministrator),
        ("/admin/audit", audit), ("/admin/log", log), ("/admin/log/events", logEvents),
        ("/admin/backups", backups), ("/admin/backups/live", liveBackups),
        ("/admin/settings", settings), ("/admin/settings/change", setting),
    ]

    /// Where forms are sent.
    static let changed: [(path: String, page: PanelPage)] = [
        ("/admin/logout", logOut),
        ("/admin/users/new", createUser), ("/admin/users/update", updateUser),
        ("/admin/users/password", setPassword), ("/admin/users/limits", limitUser),
        ("/admin/users/logout", logOutUser), ("/admin/users/delete", deleteUser),
        ("/admin/flows/new", createFlow), ("/admin/flows/update", updateFlow),
        ("/admin/flows/members/add", addMember), ("/admin/flows/members/remove", removeMember),
        ("/admin/flows/delete", deleteFlow), ("/admin/messages/delete", deleteMessage),
        ("/admin/invites", createInvite), ("/admin/invites/revoke", revokeInvite),
        ("/admin/nodes/drain", drainNode), ("/admin/nodes/resume", resumeNode),
        ("/admin/administrators", createAdministrator), ("/admin/administrators/delete", deleteAdministrator),
        ("/admin/backups", createBackup), ("/admin/backups/verify", verifyBackup),
        ("/admin/backups/cancel", cancelBackup), ("/admin/backups/download", downloadBackup),
        ("/admin/settings/change", changeSetting), ("/admin/settings/unset", unsetSetting),
    ]

    /// Serves the pages; what a path has no method for gets `refusal`.
    func add(to router: Router<BasicRequestContext>, _ templates: PanelTemplates, _ refusal: Notice) {
        for file in Self.files {
            let response = Response.panel(.ok, type: file.type, ByteBuffer(bytes: file.bytes))
            router.addPage(file.path, refusal) { _ in response }
        }
        router.get("/admin/login") { request, _ in await loginPage(request, templates) }
        router.post("/admin/login") { request, _ in await logIn(request, templates) }
        for (path, page) in Self.shown {
            router.get(RouterPath(path)) { request, context in await answer(request, context, templates, page) }
        }
        for (path, page) in Self.changed {
            router.post(RouterPath(path)) { request, context in await answer(request, context, templates, page) }
        }
    }
}
