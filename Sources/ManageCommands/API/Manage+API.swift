// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import AdminAPI
import ArgumentParser

extension Manage {
    /// `api`: the HTTP API of a running server.
    struct API: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "api",
            abstract: "Describe the HTTP API for administrators.",
            discussion: """
                Examples:
                  manage api openapi > openapi.json
                """,
            subcommands: [OpenAPI.self]
        )
    }
}

extension Manage.API {
    /// `api openapi`: the description that a server gives at `/admin/api/v1/openapi.json`.
    struct OpenAPI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "openapi",
            abstract: "Print the description of the HTTP API (OpenAPI 3.1).",
            discussion: """
                It needs no server: it is what a server of this version gives at
                /admin/api/v1/openapi.json.

                Examples:
                  manage api openapi > openapi.json
                """
        )

        func run() throws {
            let description = try OpenAPIDocument.bytes()
            try CommandContext.current.standardOutput.write(String(decoding: description, as: UTF8.self))
        }
    }
}
