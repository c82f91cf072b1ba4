// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import ManageCommands

struct OpenAPITests {
    @Test func descriptionIsPrintedWithoutAServer() async throws {
        let run = try CommandRun()
        let result = try await run("api", "openapi")

        #expect(result.status == .done)
        #expect(result.errors == "")
        #expect(run.names() == [])
        try Snapshot.expect(result.output, isContentOf: "../../../docs/openapi.json")
    }

    @Test func everyPathHasASentenceAScopeAndItsErrors() async throws {
        let description = try JSONValue.parse(Array(try await CommandRun()("api", "openapi").output.utf8))
        let paths = try #require(description["paths"]?.members)
        var count = 0

        for (path, methods) in paths {
            for (method, operation) in try #require(methods.members) {
                let responses = try #require(operation["responses"])
                #expect(operation["summary"]?.string?.hasSuffix(".") == true, "\(method.string) \(path.string)")
                #expect(["read", "write"].contains(operation["x-scope"]?.string))
                for status in ["401", "403", "404", "429"] { #expect(responses[status] != nil) }
                // What destroys cannot be asked for by mistake.
                let names = operation["parameters"]?.array?.compactMap { $0["name"]?.string } ?? []
                let isConfirmed = [
                    "user.delete", "user.erase", "flow.delete", "message.delete", "message.expire", "flow.remove_seed",
                ].contains(operation["operationId"]?.string)
                #expect(names.contains("confirm") == isConfirmed)
                count += 1
            }
        }
        #expect(count > 35)
    }
}
