// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import JSON
import Operations
import Storage
import Testing

@testable import AdminAPI

/// Who may ask what, and how the API answers.
@Suite(.timeLimit(.minutes(10)))
struct AdminAPITests {
    // MARK: The table

    @Test func everyOperationIsServedOrSaysWhyNot() throws {
        let served = Set(try AdminEndpoint.all().map { $0.operation.name })
        let unserved = Set(AdminEndpoint.unserved.map(\.operation))

        #expect(served.isDisjoint(with: unserved))
        #expect(served.union(unserved) == Set(OperationRegistry.all.map { $0.name }))
        for (_, reason) in AdminEndpoint.unserved { #expect(reason.hasSuffix(".")) }
    }

    @Test func everyEndpointIsThereOnce() throws {
        let endpoints = try AdminEndpoint.all()

        #expect(Set(endpoints.map { "\($0.method) \($0.path)" }).count == endpoints.count)
        #expect(Set(endpoints.map(\.id)).count == endpoints.count)
        for endpoint in endpoints {
            // What only looks is safe to repeat, and what changes something is no GET.
            #expect((endpoint.method == .get) == (endpoint.operation.access == .read && !endpoint.operation.isLong))
            #expect(!endpoint.operation.isDestructive || endpoint.method == .delete)
            let named = endpoint.parameters.filter { $0.place == .path }.count
            #expect(endpoint.segments.count { if case .parameter = $0 { true } else { false } } == named)
        }
    }

    // MARK: Who asks

    @Test func bearersOfATokenAreServedAndOthersAreNot() async throws {
        try await Desk.open { desk in
            let none = await desk.ask("GET", "/users", token: nil)
            let wrong = await desk.ask("GET", "/users", token: "wrong")
            let right = await desk.ask("GET", "/users", token: Desk.reader)

            #expect(none.status == 401)
            #expect(none[header: "WWW-Authenticate"] == #"Bearer realm="parley""#)
            #expect(none[header: "Content-Type"] == "application/problem+json")
            #expect(wrong.status == 401)
            #expect(wrong[header: "WWW-Authenticate"]?.contains(#"error="invalid_token""#) == true)
            #expect(right.status == 200)
            #expect(right[header: "Cache-Control"] == "no-store")
        }
    }

    @Test func tokenThatOnlyReadsChangesNothing() async throws {
        try await Desk.open { desk in
            await desk.user("alice")
            for endpoint in try AdminEndpoint.all() where endpoint.operation.access == .write {
                let path = endpoint.path.replacing("{login}", with: "alice").replacing("{uuid}", with: "1")
                    .replacing("{session}", with: "1").replacing("{id}", with: "abcdef").replacing("{node}", with: "1")
                let reply = await desk.ask(endpoint.method.rawValue, path, token: Desk.reader)

                #expect(reply.status == 403, "\(endpoint.id)")
                #expect(reply[header: "WWW-Authenticate"]?.contains("insufficient_scope") == true)
            }
            #expect(await desk.ask("GET", "/users/alice", token: Desk.reader).status == 200)
        }
    }

    @Test func wrongTokensAreSlowedByTheirAddress() async throws {
        try await Desk.open { desk in
            for _ in 0..<5 { #expect(await desk.ask("GET", "/users", token: "x", from: "::1").status == 401) }

            let slowed = await desk.ask("GET", "/users", token: Desk.writer, from: "::1")
            let elsewhere = await desk.ask("GET", "/users", from: "127.0.0.2")
            desk.clock.value += .seconds(2)
            let later = await desk.ask("GET", "/users", from: "::1")

            #expect(slowed.status == 429)
            #expect(slowed[header: "Retry-After"] == "1")
            #expect(elsewhere.status == 200)
            #expect(later.status == 200)
        }
    }

    @Test func inClearOnlyThisMachineIsServed() async throws {
        try await Desk.open { desk in
            for (address, isEncrypted, status) in [
                ("192.0.2.1", false, 403), ("192.0.2.1", true, 200), ("::1", false, 200), ("unknown", false, 403),
            ] {
                let reply = await desk.ask("GET", "/users", from: address, isEncrypted: isEncrypted)
                #expect(reply.status == status, "\(address) \(isEncrypted)")
            }
            let description = await desk.ask("GET", "/openapi.json", token: nil, from: "192.0.2.1")
            #expect(description.status == 200)
            #expect(description.json?["openapi"]?.string == "3.1.0")
        }
    }

    // MARK: How it answers

    @Test func whatIsNoRequestOfOursIsRefused() async throws {
        try await Desk.open { desk in
            await desk.user("alice")
            let unknown = await desk.ask("GET", "/nothing")
            let slash = await desk.ask("GET", "/users/")
            let method = await desk.ask("PUT", "/users")
            let strange = await desk.ask("QUERY", "/users/alice")
            let accept = await desk.ask("GET", "/users", accept: "text/html")
            let type = await desk.ask("PATCH", "/users/alice", body: "bio=x", type: "text/plain")
            let large = await desk.ask("PATCH", "/users/alice", body: String(repeating: "x", count: (1 << 20) + 1))

            #expect([unknown.status, slash.status, method.status, strange.status] == [404, 404, 405, 405])
            #expect(method[header: "Allow"] == "GET, POST, HEAD")
            #expect(strange[header: "Allow"] == "GET, PATCH, DELETE, HEAD")
            #expect([accept.status, type.status, large.status] == [406, 415, 413])
            for reply in [unknown, method, accept, type, large] {
                #expect(reply[header: "Content-Type"] == "application/problem+json")
                #expect(reply.text("type")?.hasPrefix("urn:parley:problem:") == true)
                #expect(reply.json?["status"]?.int == Int64(reply.status))
                #expect(reply.text("detail")?.hasSuffix(".") == true)
            }
            #expect(await desk.ask("GET", "/users", accept: "text/html, application/json;q=0.5").status == 200)
            #expect(await desk.ask("GET", "/users", accept: "application/json;q=0, text/html").status == 406)
            #expect(await desk.ask("HEAD", "/users").status == 200)
        }
    }

    @Test(
        arguments: [
            ("{", 400, nil), ("[]", 400, nil), (#"{"bio":"x","bio":"y"}"#, 400, nil), (#"{"bio":1}"#, 422, "bio"),
            (#"{"hue":"red"}"#, 422, "hue"), (#"{"login":"bob"}"#, 422, "login"), ("{}", 422, nil),
            (#"{"bio":null}"#, 422, "bio"), (String(repeating: "[", count: 10_000), 400, nil),
        ] as [(String, Int, String?)])
    func bodyThatDoesNotFitIsRefusedAndItsMemberNamed(body: String, status: Int, member: String?) async throws {
        try await Desk.open { desk in
            await desk.user("alice")

            let reply = await desk.ask("PATCH", "/users/alice", body: body)

            #expect(reply.status == status)
            #expect(reply.text("member") == member)
        }
    }

    @Test(
        arguments: [
            ("/users?limit=x", "limit"), ("/users?limit=1&limit=2", "limit"), ("/users?colour=red", "colour"),
            ("/users?only_admins=yes", "only_admins"), ("/users?after=99999999999999999999", "after"),
            ("/messages", "words"), ("/users/alice/sessions/last", "session"), ("/users?limit=0", nil),
            ("/users?x=%zz", nil), ("/users?search=%00", nil),
        ] as [(String, String?)])
    func queryThatDoesNotFitIsRefusedAndItsParameterNamed(target: String, member: String?) async throws {
        try await Desk.open { desk in
            let reply = await desk.ask(target.contains("sessions/") ? "DELETE" : "GET", target)

            #expect(reply.status == 422)
            #expect(reply.text("member") == member)
        }
    }

    @Test func errorsHaveTheTextOfCommands() async throws {
        try await Desk.open { desk in
            await desk.user("alice")

            let missing = await desk.ask("GET", "/users/bob")
            let taken = await desk.ask(
                "POST", "/users", body: #"{"login":"alice","username":"a","password":"a password"}"#)

            #expect(missing.status == 404)
            #expect(missing.text("detail") == "No user with login 'bob'.")
            #expect(missing.text("next_step") == "List logins with 'manage user list'.")
            #expect(taken.status == 409)
            #expect(taken.text("type") == "urn:parley:problem:exists")
        }
    }

    // MARK: What is done

    @Test func accountsAreMadeShownChangedAndDeleted() async throws {
        try await Desk.open { desk in
            let made = await desk.ask(
                "POST", "/users", body: #"{"login":"al/ice","username":"Alice","password":"a password"}"#)
            let shown = await desk.ask("GET", "/users/al%2Fice")
            let changed = await desk.ask("PATCH", "/users/al%2Fice", body: #"{"bio":"Hello","is_bot":true}"#)
            let limits = await desk.ask(
                "PATCH", "/users/al%2Fice/limits", body: #"{"changes":{"write":"off"}}"#)
            let unconfirmed = await desk.ask("DELETE", "/users/al%2Fice")
            let wrong = await desk.ask("DELETE", "/users/al%2Fice?confirm=bob")
            let stays = await desk.ask("GET", "/users/al%2Fice")
            let deleted = await desk.ask("DELETE", "/users/al%2Fice?confirm=al/ice")

            #expect(made.status == 201)
            #expect(made[header: "Location"] == "/admin/api/v1/users/al%2Fice")
            #expect(shown.json?["user"]?["username"]?.string == "Alice")
            #expect(changed.json?["is_bot"]?.bool == true)
            #expect(limits.json?["limits"]?["write"]?.string == "off")
            #expect([unconfirmed.status, wrong.status] == [422, 422])
            #expect(unconfirmed.text("member") == "confirm")
            #expect(stays.status == 200)
            #expect(deleted.status == 200)
            #expect(await desk.ask("GET", "/users/al%2Fice").status == 404)
        }
    }

    @Test func pagesFollowTheirLinks() async throws {
        try await Desk.open { desk in
            for login in ["ann", "annabel", "bob", "anna"] { await desk.user(login) }
            var target: String? = "/users?search=a%6En&limit=2"
            var logins: [String] = []
            var pages = 0

            while let next = target {
                let page = await desk.ask("GET", next)
                logins += page.json?["items"]?.array?.compactMap { $0["login"]?.string } ?? []
                target = page[header: "Link"].map { link in
                    String(link.dropFirst("</admin/api/v1".count).prefix { $0 != ">" })
                }
                pages += 1
            }

            #expect(logins == ["ann", "annabel", "anna"])
            #expect(pages == 2)
        }
    }

    @Test func logSaysWhoAsks() async throws {
        try await Desk.open { desk in
            await desk.user("alice")

            let log = await desk.ask("GET", "/log?after=0&limit=10", token: Desk.reader)
            let impostor = await desk.ask("GET", "/log?principal=root", token: Desk.reader)

            #expect(log.json?["entries"]?.array?.isEmpty == false)
            #expect(log[header: "Link"]?.contains("after=") == true)
            #expect(impostor.text("member") == "principal")
        }
    }

    // MARK: Jobs

    @Test func longWorkIsAJobThatTellsItsResult() async throws {
        try await Desk.open { desk in
            let started = await desk.ask("POST", "/seed", body: #"{"users":3,"messages":5}"#)
            let ended = try await desk.ended(started)
            let list = await desk.ask("GET", "/jobs", token: Desk.reader)
            let late = await desk.ask("DELETE", "/jobs/\(started.text("id") ?? "")")

            #expect(started.status == 202)
            #expect(started[header: "Location"] == "/admin/api/v1/jobs/\(started.text("id") ?? "")")
            #expect(ended.text("state") == "done")
            #expect(ended.text("principal") == "wendy")
            #expect(ended.json?["result"]?["messages"]?.int == 5)
            #expect(list.json?["jobs"]?.array?.count == 1)
            #expect(late.status == 409)
            let counts = try await desk.chat.storage.counts()
            #expect(counts.messages == 5)
        }
    }

    @Test func jobsFailAndAreRefusedAsOtherRequests() async throws {
        try await Desk.open { desk in
            let failed = try await desk.ended(await desk.ask("POST", "/seed", body: #"{"flows":0,"messages":5}"#))

            #expect(failed.text("state") == "failed")
            #expect(failed.json?["error"]?["message"]?.string == "Messages need a group to be in.")
            #expect(await desk.ask("GET", "/jobs/none").status == 404)
            #expect(await desk.ask("DELETE", "/jobs/none").status == 404)
            #expect(await desk.ask("POST", "/jobs").status == 405)
            #expect(await desk.ask("GET", "/jobs/a/b").status == 404)
            #expect(await desk.ask("GET", "/jobs?limit=1").status == 422)
            let id = failed.text("id") ?? ""
            #expect(await desk.ask("DELETE", "/jobs/\(id)", token: Desk.reader).status == 403)
        }
    }

    @Test func eventsTellEachChangeOfAJob() async throws {
        try await Desk.open { desk in
            let started = await desk.ask("POST", "/seed", body: #"{"messages":2}"#)
            let reply = await desk.ask(
                "GET", "/jobs/\(started.text("id") ?? "")", token: Desk.reader, accept: "text/event-stream")
            var text = ""

            try await reply.stream? { text += String(decoding: $0, as: UTF8.self) }

            #expect(reply.status == 200)
            #expect(reply[header: "Content-Type"] == "text/event-stream")
            let events = text.split(separator: "\n\n")
            let last = try #require(events.last)
            #expect(events.allSatisfy { $0.hasPrefix("event: job\ndata: {") || $0 == ":" })
            let job = try JSONValue.parse(Array(last.dropFirst("event: job\ndata: ".count).utf8))
            #expect(job["state"]?.string == "done")
        }
    }
}
