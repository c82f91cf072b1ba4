// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import JSON
import MTP
import TestClient
import TestSupport
import Testing

/// What a real server shows to a scraper.
@Suite(.timeLimit(.minutes(10)))
struct MetricsTests {
    @Test func scrapeShowsWhatHappenedAndAgreesWithTop() async throws {
        try await Program.with { program in
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let bob = try await Person("bob", on: server)
            let flow = try await alice.makeFlow()
            for number in 0..<5 { #expect(try await alice.say("secret zucchini \(number)", in: flow) == 200) }
            let client = try await MTPClient.connect(url: server.url)
            _ = try await client.request(.authentication(login: "alice", password: "wrong"))
            _ = try await client.request(.authentication(login: "nobody", password: "wrong"))

            let top = try await program.manage("top", "--once", "--json")
            let scrape = try await Scrape(server)

            #expect(top.ending == .exited(0))
            let shown = try JSONValue.parse(Array(top.output.utf8))
            for (name, key) in [("parley_messages_total", "messages"), ("parley_deliveries_total", "deliveries")] {
                #expect(scrape.sum(name) == shown[key]?.int.map(Double.init), "\(name)")
            }
            #expect(scrape("parley_connections{protocol=\"mtp\"}") == 2)
            #expect(scrape("parley_subscribers") == shown["listeners"]?.int.map(Double.init))
            #expect((scrape("parley_messages_total{protocol=\"mtp\"}") ?? 0) >= 5)
            let sent = "parley_requests_total{protocol=\"mtp\",command=\"send_message\",outcome=\"ok\"}"
            #expect(scrape(sent) == 5)
            let refused = "parley_requests_total{protocol=\"mtp\",command=\"authentication\",outcome=\"refused\"}"
            #expect(scrape(refused) == 2)
            #expect(scrape("parley_requests_refused_total{protocol=\"mtp\",reason=\"401\"}") == 1)
            #expect(scrape("parley_requests_refused_total{protocol=\"mtp\",reason=\"404\"}") == 1)
            #expect(
                scrape("parley_request_duration_seconds_count{protocol=\"mtp\"}")
                    == scrape.sum("parley_requests_total"))
            #expect((scrape("parley_batch_entries_count") ?? 0) >= 5)
            #expect(scrape("parley_batch_entries_count") == scrape("parley_commit_duration_seconds_count"))
            let queries = "parley_database_query_duration_seconds_count"
            #expect((scrape(queries + "{query=\"commit\"}") ?? 0) >= 5)
            #expect((scrape(queries + "{query=\"accounts\"}") ?? 0) >= 2)
            #expect((scrape("parley_database_query_duration_seconds_sum{query=\"commit\"}") ?? 0) > 0)
            #expect((scrape("parley_logins_total{protocol=\"mtp\",outcome=\"wrong_password\"}")) == 1)
            #expect((scrape("parley_logins_total{protocol=\"mtp\",outcome=\"unknown_login\"}")) == 1)
            #expect(scrape("parley_registrations_total{protocol=\"mtp\"}") == 2)
            #expect((scrape("parley_sessions_connected_total{protocol=\"mtp\",outcome=\"new\"}")) == 2)
            #expect(scrape("parley_nodes") == 1 && scrape("parley_ready") == 1)
            #expect(scrape("parley_service_mode{mode=\"normal\"}") == 1 && scrape.sum("parley_service_mode") == 1)
            for name in [
                "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                "process_start_time_seconds", "parley_database_size_bytes", "parley_disk_free_bytes",
                "parley_commit_duration_seconds_sum", "parley_http_requests_total", "parley_open_connections",
            ] {
                #expect((scrape(name) ?? 0) > 0, "\(name)")
            }
            #expect(scrape.values.keys.contains { $0.hasPrefix("parley_build_info{version=") })
            #expect(scrape.text.hasSuffix("# EOF\n"))
            withExtendedLifetime(bob) {}
            for word in ["alice", "bob", "nobody", "zucchini", flow] { #expect(!scrape.text.contains(word), "\(word)") }
            await server.stop()
        }
    }

    @Test func refusedRequestsAndResumedSessionsAreCounted() async throws {
        try await Program.with { program in
            program["PARLEY_RATE_LIMIT_WRITES"] = "1/h burst 2"
            let server = try await program.startServer()
            let alice = try await Person("alice", on: server)
            let flow = try await alice.makeFlow()
            #expect(try await alice.say("one", in: flow) == 200)
            #expect(try await alice.say("two", in: flow) == 429)

            let again = try await Person(alice.credentials, on: server)
            #expect(try await again.ping() == 200)
            let scrape = try await Scrape(server)

            #expect(scrape("parley_throttled_total{protocol=\"mtp\",bucket=\"account_write\"}") == 1)
            #expect(scrape("parley_throttled_total{protocol=\"skaro\",bucket=\"account_write\"}") == 0)
            #expect(scrape("parley_requests_refused_total{protocol=\"mtp\",reason=\"429\"}") == 1)
            #expect(scrape("parley_throttled_total{protocol=\"mtp\",bucket=\"write_queue\"}") == 0)
            #expect(scrape.sum("parley_throttled_total") == 1)
            #expect(scrape("parley_sessions_connected_total{protocol=\"mtp\",outcome=\"new\"}") == 1)
            #expect(scrape("parley_sessions_connected_total{protocol=\"mtp\",outcome=\"resumed\"}") == 1)
            await server.stop()
        }
    }

    @Test func portThatNobodyAskedForMayBeTaken() async throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let isBound = LoopbackAddress.with(port: 9464) { bind(descriptor, $0, $1) == 0 }
        // Another program of this machine has it: as good.
        if isBound { #expect(listen(descriptor, 1) == 0) }
        try await Program.with { program in
            program["PARLEY_METRICS_LISTEN"] = nil
            let server = try await program.startServer()

            #expect(await server.process.errors.line { $0.contains("No metrics are served") }?.contains("9464") == true)
            #expect(try await HTTPClient.get(server.httpURL + "readyz").status == 200)
            #expect(try await HTTPClient.get(server.httpURL + "metrics").status == 404)
            await server.stop()

            program["PARLEY_METRICS_LISTEN"] = "127.0.0.1:9464"
            let refused = try await program.manage("runserver")
            #expect(refused.ending == .exited(69))
            #expect(refused.errors.contains("[METRICS]"))
        }
    }
}
