// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestClient
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(10)))
struct MetricsPageTests {
    @Test func scraperGetsTheFormItAsksForAndNothingElseIsThere() async throws {
        let fixture = ServiceFixture(checks: [ReadinessCheck(name: "disk", isPassed: false)])
        let service = try fixture.service(servesChat: true)
        let responder = service.responder { isOpenMetrics in
            isOpenMetrics ? ("application/openmetrics-text; version=1.0.0", "# EOF\n") : ("text/plain", "old\n")
        }
        try await withWebServer(responder) { server in
            let new = try await HTTPClient.get(
                server.url + "/metrics", accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
            let old = try await HTTPClient.get(server.url + "/metrics", accept: "*/*")

            #expect(new.status == 200 && new.text == "# EOF\n")
            #expect(new[header: "content-type"] == "application/openmetrics-text; version=1.0.0")
            #expect(old.text == "old\n")
            #expect(try await HTTPClient.get(server.url + "/livez").status == 200)
            #expect(try await HTTPClient.get(server.url + "/readyz").status == 503)
            for path in ["/", "/chat", "/balance", "/metrics/", "/metrics/x"] {
                #expect(try await HTTPClient.get(server.url + path).status == 404, "\(path)")
            }
            let post = try await server.ask("POST", "/metrics")
            #expect(post.status == 405 && post.headers["allow"] == "GET, HEAD")
            #expect(try await server.ask("HEAD", "/metrics").body == "")
        }
        #expect(try await !service.isReady())
    }

    @Test(arguments: [
        ("application/openmetrics-text", true), ("text/html, APPLICATION/OpenMetrics-Text; version=0.0.1", true),
        ("application/openmetrics-text;q=0", false), ("*/*", false), ("", false),
        ("application/openmetrics-textile", false),
    ])
    func openMetricsIsForWhoNamesIt(accepted: String, expected: Bool) {
        #expect(MetricsPage.wantsOpenMetrics(accepted) == expected)
    }
}
