// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations

extension AdminEndpoint {
    /// How many items a page has unless the request says otherwise.
    private static let pageSize = 100

    /// Every endpoint.
    ///
    /// The rule: a list and what it holds are a plural noun and a name below it; the method says what is done. `GET`
    /// and `DELETE` take their parameters from the query, the others from a JSON body.
    static func all() throws -> [AdminEndpoint] {
        try accounts() + flows() + server()
    }

    private static func accounts() throws -> [AdminEndpoint] {
        let page = ListRange(limit: pageSize)
        return [
            try AdminEndpoint(.get, "/users", ListUsers(range: page), hides: ["rows"]),
            try AdminEndpoint(
                .post, "/users", CreateUser(login: "", username: "", password: SecretText("")),
                requires: ["login", "username", "password"], location: "login"),
            try AdminEndpoint(.get, "/users/{login}", ShowUser(login: "")),
            try AdminEndpoint(.patch, "/users/{login}", UpdateUser(login: "")),
            try AdminEndpoint(.delete, "/users/{login}", DeleteUser(login: "")),
            try AdminEndpoint(.delete, "/data/{login}", EraseUser(login: "")),
            try AdminEndpoint(
                .put, "/users/{login}/password", SetPassword(login: "", password: SecretText("")),
                requires: ["password"]),
            try AdminEndpoint(.get, "/users/{login}/sessions", ListSessions(login: "")),
            try AdminEndpoint(.delete, "/users/{login}/sessions", LogOutUser(login: ""), hides: ["session"]),
            try AdminEndpoint(
                .delete, "/users/{login}/sessions/{session}", LogOutUser(login: ""), id: "user.logout_session"),
            try AdminEndpoint(.get, "/users/{login}/limits", ShowLimits(login: "")),
            try AdminEndpoint(.patch, "/users/{login}/limits", LimitUser(login: "")),
            try AdminEndpoint(.get, "/superusers", ListSuperusers()),
            try AdminEndpoint(.get, "/invites", ListInvites()),
            try AdminEndpoint(.post, "/invites", CreateInvite()),
            try AdminEndpoint(.delete, "/invites/{id}", RevokeInvite(id: "")),
        ]
    }

    private static func flows() throws -> [AdminEndpoint] {
        let page = ListRange(limit: pageSize)
        return [
            try AdminEndpoint(.get, "/flows", ListFlows(range: page), hides: ["rows"]),
            try AdminEndpoint(
                .post, "/flows", CreateFlow(owner: "", type: .group, title: ""), requires: ["owner", "type", "title"],
                location: "uuid"),
            try AdminEndpoint(.get, "/flows/{uuid}", ShowFlow(uuid: "")),
            try AdminEndpoint(.patch, "/flows/{uuid}", UpdateFlow(uuid: "")),
            try AdminEndpoint(.delete, "/flows/{uuid}", DeleteFlow(uuid: "")),
            try AdminEndpoint(.put, "/flows/{uuid}/members/{login}", AddMember(uuid: "", login: "")),
            try AdminEndpoint(.delete, "/flows/{uuid}/members/{login}", RemoveMember(uuid: "", login: "")),
            try AdminEndpoint(.get, "/flows/{uuid}/messages", ListMessages(uuid: "", range: page)),
            try AdminEndpoint(
                .get, "/messages", SearchMessages(words: "", range: page), requires: ["words"]),
            try AdminEndpoint(.get, "/messages/{uuid}", ShowMessage(uuid: "")),
            try AdminEndpoint(.delete, "/messages/{uuid}", DeleteMessage(uuid: "")),
            try AdminEndpoint(.delete, "/messages", ExpireMessages()),
            try AdminEndpoint(.post, "/seed", SeedFlows()),
            try AdminEndpoint(.delete, "/seed", RemoveSeed()),
        ]
    }

    private static func server() throws -> [AdminEndpoint] {
        [
            try AdminEndpoint(.get, "/database", DatabaseStatus()),
            try AdminEndpoint(.get, "/database/tables", DatabaseStatistics()),
            try AdminEndpoint(.post, "/database/check", CheckDatabase()),
            try AdminEndpoint(.post, "/database/gc", CollectGarbage()),
            try AdminEndpoint(.post, "/secrets/check", CheckSecrets()),
            try AdminEndpoint(.get, "/server", MeasureServer()),
            try AdminEndpoint(.get, "/server/addresses", ServerAddresses()),
            try AdminEndpoint(.get, "/server/log", ReadServerLog()),
            try AdminEndpoint(.patch, "/server/log/level", SetLogLevel()),
            try AdminEndpoint(.post, "/server/reload", ReloadServer()),
            try AdminEndpoint(.get, "/nodes", ListNodes()),
            try AdminEndpoint(.post, "/nodes/{node}/drain", DrainNode(node: "")),
            try AdminEndpoint(.post, "/nodes/{node}/resume", ResumeNode(node: "")),
            try AdminEndpoint(.get, "/tokens", ListTokens()),
            try AdminEndpoint(.get, "/audit", ListAudit(range: ListRange(limit: pageSize)), hides: ["rows"]),
            try AdminEndpoint(.post, "/audit/verify", VerifyAudit()),
            try AdminEndpoint(.get, "/settings", ListSettings()),
            try AdminEndpoint(.get, "/backups", ListBackups()),
            try AdminEndpoint(.post, "/backups", CreateBackup()),
            try AdminEndpoint(.post, "/backups/{name}/verify", VerifyBackup(name: "")),
            try AdminEndpoint(.get, "/log", ReadLog(limit: pageSize, principal: ""), principal: "principal"),
        ]
    }

    /// The operations that are not served, each with the reason.
    static let unserved: [(operation: String, reason: String)] = [
        ("superuser.create", "Who makes administrators has the machine: a stolen token cannot outlive its revocation."),
        ("superuser.delete", "Who removes administrators has the machine."),
        ("superuser.totp", "It tells the secret of an administrator's second factor."),
        ("token.create", "A stolen token cannot make another one that outlives its revocation."),
        ("token.revoke", "Who makes tokens has the machine."),
        ("user.check_login", "Making an account says the same."),
        ("user.export", "It is part of 'manage user export', which writes files on the machine."),
        ("session.end", "It takes the token of a user, which only that user's client has."),
        ("testclient.token", "It logs the bot of the health check in, for a process on the same machine."),
        ("testclient.end", "It belongs to testclient.token."),
        ("config.set", "Settings name files, folders and addresses: a stolen token could take the machine over."),
        ("backup.download", "It says where the file is; the panel sends it, to administrators who have logged in."),
        ("fastchat.sign", "It signs what the balancer would, for a process on the same machine."),
        ("import.users", "Who moves a server in has the machine, where the other server's database is."),
        ("import.contacts", "It belongs to import.users."),
        ("import.flows", "It belongs to import.users."),
        ("import.messages", "It writes in the name of others, which no token may."),
    ]
}
