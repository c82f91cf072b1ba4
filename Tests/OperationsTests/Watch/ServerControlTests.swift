// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Testing

struct ServerControlTests {
    @Test func whatOnlyAServerDoesIsRefusedWithoutOne() async throws {
        try await Office.open { office in
            for operation: any AdminOperation in [ReloadServer(), SetLogLevel(), ReadServerLog()] {
                let error = try await office.refusal(of: operation)

                #expect(error.kind == .unavailable)
                #expect(error.nextStep == "Start one with 'manage runserver'.")
            }
        }
    }
}
