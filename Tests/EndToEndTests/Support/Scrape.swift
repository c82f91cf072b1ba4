// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import TestClient
import Testing

/// What a server shows to a scraper: the value of each sample by its name with its labels.
struct Scrape {
    let text: String
    let values: [String: Double]

    init(_ server: RunningServer) async throws {
        let line = try #require(await server.process.errors.line { $0.contains("Metrics are served") })
        let url = try #require(line.split { " =\"".contains($0) }.first { $0.hasPrefix("http://") })
        let answer = try await HTTPClient.get(String(url), accept: "application/openmetrics-text")
        #expect(answer.status == 200)
        text = answer.text
        values = Dictionary(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
                line.lastIndex(of: " ").map { (String(line[..<$0]), Double(line[$0...].dropFirst()) ?? .nan) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Of all labels.
    func sum(_ name: String) -> Double { values.reduce(0) { $1.key.hasPrefix(name + "{") ? $0 + $1.value : $0 } }

    func callAsFunction(_ name: String) -> Double? { values[name] }
}
