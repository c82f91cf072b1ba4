// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// `/metrics` for scrapers.
enum MetricsPage {
    /// Adds the page, in the form that the scraper asks for.
    static func add(
        to router: Router<BasicRequestContext>, _ refusal: Notice,
        _ metrics: @escaping @Sendable (_ isOpenMetrics: Bool) async -> (type: String, text: String)
    ) {
        router.addAnswers(at: "/metrics", refusal) { request in
            let accepted = request.headers[values: .accept].joined(separator: ",")
            let (type, text) = await metrics(wantsOpenMetrics(accepted))
            return Response(.ok, type: type, ByteBuffer(string: text)).with(.vary, "Accept")
        }
    }

    /// Scrapers that know OpenMetrics name it; Prometheus prefers it then.
    static func wantsOpenMetrics(_ accepted: String) -> Bool {
        accepted.utf8.split(separator: UInt8(ascii: ",")).contains { range in
            let parts = range.split(separator: UInt8(ascii: ";")).map { part in
                String(decoding: part.filter { $0 != UInt8(ascii: " ") }, as: UTF8.self).lowercased()
            }
            return parts.first == "application/openmetrics-text" && !parts.contains("q=0")
        }
    }
}
