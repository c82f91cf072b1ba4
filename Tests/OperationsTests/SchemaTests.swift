// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import JSON
import Testing

@testable import Operations

/// What operations say about themselves.
struct SchemaTests {
    private static let names = OperationRegistry.all.map { $0.name }

    @Test(arguments: Self.names) func everyOperationSaysWhatItDoes(name: String) throws {
        let operation = try #require(OperationRegistry.operation(named: name))

        #expect(operation.summary.first?.isUppercase == true)
        #expect(operation.summary.hasSuffix("."))
        // The record of one that writes, also of its refusal, needs the writer, which only runs on a current schema.
        #expect(operation.access == .read || operation.needsCurrentSchema)
        #expect(!operation.isDestructive || operation.access == .write)
    }

    @Test func whatOnlyLooksNeedsNoMoreThanToRead() {
        let reading = Set(OperationRegistry.all.filter { $0.access == .read }.map { $0.name })

        for name in [
            "db.status", "user.list", "user.show", "user.sessions", "user.show_limits", "flow.list", "flow.show",
            "message.list", "message.show", "message.search", "invite.list", "node.list", "log.read", "server.measure",
        ] { #expect(reading.contains(name), "\(name)") }
        for name in [
            "user.create", "user.update", "user.delete", "user.set_password", "user.logout", "user.limits",
            "flow.create", "flow.update", "flow.delete", "flow.add_member", "flow.remove_member", "flow.seed",
            "message.delete", "invite.create", "invite.revoke", "node.drain", "node.resume", "testclient.token",
        ] { #expect(!reading.contains(name), "\(name)") }
    }

    // MARK: Schemas

    @Test func schemaNamesMembersTypesAndWhatMayBeMissing() throws {
        let schema = try JSONSchema(of: UpdateFlow.self)

        #expect(
            schema
                == .object(
                    type: "UpdateFlow",
                    [
                        .init(name: "uuid", schema: .string, isRequired: true),
                        .init(name: "title", schema: .string, isRequired: false),
                        .init(name: "info", schema: .string, isRequired: false),
                        .init(name: "type", schema: .words(["chat", "group", "channel"]), isRequired: false),
                        .init(name: "owner", schema: .string, isRequired: false),
                    ]))
    }

    @Test func schemaKnowsListsMapsSecretsAndNull() throws {
        let limits = try JSONSchema(of: LimitUser.self).properties
        let user = try JSONSchema(of: CreateUser.self).properties
        let page = try JSONSchema(of: ListPage<InviteReport>.self)
        let invite = try JSONSchema(of: InviteReport.self).properties

        #expect(limits.first { $0.name == "changes" }?.schema.isMap(of: .string) == true)
        #expect(user.first { $0.name == "password" }?.schema == .secret)
        #expect(user.first { $0.name == "is_bot" }?.schema == .boolean)
        guard case .object(let type, let members) = page else {
            Issue.record("no object")
            return
        }
        #expect(type == "ListPageOfInviteReport")
        #expect(members.map(\.name) == ["items", "next"])
        #expect(members.map(\.isRequired) == [true, false])
        // A member that JSON writes as null is always there.
        #expect(
            invite.first { $0.name == "expires" }
                == .init(name: "expires", schema: .nullable(.string), isRequired: true))
        #expect(invite.first { $0.name == "status" }?.schema == .words(["valid", "used", "expired", "revoked"]))
    }

    /// Every operation's parameters and report, written from what the schema was made of.
    @Test(arguments: Self.names) func everyOperationHasASchema(name: String) throws {
        let operation = try #require(OperationRegistry.operation(named: name))
        let schemas = try Self.schemas(operation)
        #expect(schemas.allSatisfy { $0.isObject })
    }

    private static func schemas<Operation: AdminOperation>(_: Operation.Type) throws -> [JSONSchema] {
        [try JSONSchema(of: Operation.self), try JSONSchema(of: Operation.Report.self)]
    }

    /// What operations really take and tell, as JSON.
    @Test func realJSONFitsItsSchema() async throws {
        try await Office.open { office in
            _ = try await run(
                office, CreateUser(login: "alice", username: "Alice", password: SecretText("secret word")))
            _ = try await run(
                office, CreateUser(login: "bob", username: "Bob", password: SecretText("word"), isBot: true))
            _ = try await run(office, UpdateUser(login: "bob", email: "bob@example.org"))
            _ = try await run(office, SetPassword(login: "bob", password: SecretText("another word")))
            _ = try await office.logIn("alice")
            #expect(try await run(office, ListSessions(login: "alice")).sessions.count == 1)
            _ = try await run(office, ShowUser(login: "alice"))
            #expect(try await run(office, ListUsers(range: ListRange(limit: 1))).next != nil)
            _ = try await run(office, LimitUser(login: "alice", changes: [.write: "off", .bytes: "1000"]))
            #expect(try await run(office, ShowLimits(login: "alice")).limits.count == 2)
            let flow = try await run(office, CreateFlow(owner: "alice", type: .group, title: "Team", members: ["bob"]))
                .uuid
            _ = try await run(office, UpdateFlow(uuid: flow, info: "Us"))
            _ = try await run(office, RemoveMember(uuid: flow, login: "bob"))
            _ = try await run(office, AddMember(uuid: flow, login: "bob"))
            _ = try await run(office, ShowFlow(uuid: flow))
            let seed = try await run(office, SeedFlows(users: 1, flows: 1, messages: 2))
            let message = try await run(office, ListMessages(uuid: seed.firstFlow ?? "")).items[0].uuid
            _ = try await run(office, ShowMessage(uuid: message))
            #expect(try await run(office, SearchMessages(words: "welcome")).items.count == 1)
            #expect(try await run(office, DeleteMessage(uuid: message)).isDeleted)
            _ = try await run(office, ListFlows())
            let invite = try await run(office, CreateInvite(seconds: 60))
            _ = try await run(office, ListInvites())
            _ = try await run(office, RevokeInvite(id: invite.invite.id))
            #expect(try await !run(office, ReadLog(last: 100, showsText: true, principal: "test")).entries.isEmpty)
            _ = try await run(office, DatabaseStatus())
            _ = try await run(office, MeasureServer())
            _ = try await run(office, ListNodes())
            _ = try await run(office, CheckSecrets())
            _ = try await run(office, LogOutUser(login: "alice"))
            _ = try await run(office, RemoveSeed())
            _ = try await run(office, DeleteFlow(uuid: flow))
            _ = try await run(
                office, CreateSuperuser(username: "admin", login: "root", password: SecretText("a password")))
            _ = try await run(office, ListSuperusers())
            _ = try await run(office, DeleteSuperuser(username: "admin"))
            _ = try await run(office, DeleteUser(login: "bob"))
        }
        try fits(JobReport.example(state: .failed, error: OperationError(.busy, "Full.", nextStep: "Wait.")))
        try fits(JobReport.example(state: .running, error: nil))
    }

    private func run<Operation: AdminOperation>(
        _ office: Office, _ operation: Operation
    ) async throws -> Operation.Report {
        let report = try await office.run(operation)
        try fits(operation)
        try fits(report)
        return report
    }

    private func fits<Value: Codable>(_ value: Value) throws {
        let json = try JSONValue.parse(Array(JSONEncoder.forOperations().encode(value)))

        #expect(throws: Never.self, "\(Value.self)") { try JSONSchema(of: Value.self).check(json) }
    }

    // MARK: What does not fit

    @Test(arguments: [
        (#"{"uuid":"x","title":1}"#, "title", "The member 'title' is a string, not an integer."),
        (#"{"uuid":"x","type":"crowd"}"#, "type", "The member 'type' is one of chat, group, channel, not this one."),
        (#"{"title":"x"}"#, "uuid", "The member 'uuid' is missing."),
        (#"{"uuid":"x","colour":"red"}"#, "colour", "There is no member 'colour'."),
        (#"{"uuid":null}"#, "uuid", "The member 'uuid' is a string, not null."),
        ("[]", "", "The value is an object, not an array."),
    ])
    func whatDoesNotFitIsNamed(text: String, member: String, message: String) throws {
        let schema = try JSONSchema(of: UpdateFlow.self)
        let value = try JSONValue.parse(Array(text.utf8))

        let mismatch = #expect(throws: JSONSchema.Mismatch.self) { try schema.check(value) }

        #expect(mismatch == JSONSchema.Mismatch(member: member, message: message))
    }

    @Test func namesOfAMapAreThoseOfItsWords() throws {
        let schema = try JSONSchema(of: LimitUser.self)
        let value = try JSONValue.parse(Array(#"{"login":"a","resets":false,"changes":{"speed":"1"}}"#.utf8))

        let mismatch = #expect(throws: JSONSchema.Mismatch.self) { try schema.check(value) }

        #expect(mismatch?.member == "changes.speed")
        #expect(mismatch?.message.contains("write, read, login, profile, flows, bytes") == true)
    }
}

extension JSONSchema {
    fileprivate var isObject: Bool { if case .object = self { true } else { false } }

    fileprivate func isMap(of value: JSONSchema) -> Bool {
        if case .map(value, let names) = self { names == LimitUser.Limit.allCases.map(\.rawValue) } else { false }
    }
}

extension JobReport {
    fileprivate static func example(state: State, error: OperationError?) -> JobReport {
        JobReport(
            id: "1", operation: "flow.seed", principal: "admin", state: state,
            progress: OperationProgress(phase: "users", done: 1, total: 2), started: "then", ended: nil, error: error)
    }
}
