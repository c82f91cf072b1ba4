// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import Settings
import TestSupport
import Testing

/// `[RATE_LIMIT]`.
struct RateSettingsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ file: String) throws -> Settings.RateLimit {
        try folder.write(file, to: "config.ini")
        return try Settings.load(environment: [:], currentFolder: folder.path).rateLimit
    }

    @Test func everythingIsLimitedByDefault() throws {
        let limits = try load("")

        #expect(limits.isEnabled)
        #expect(limits.writes == Rate(600, per: .minute, burst: 600))
        #expect(limits.reads == Rate(50, per: .second, burst: 2000))
        #expect(limits.logins == Rate(60, per: .minute, burst: 60))
        #expect(limits.profileChanges == Rate(30, per: .minute, burst: 60))
        #expect(limits.addressRegistrations == Rate(200, per: .hour, burst: 200))
        #expect(limits.addressWrites == Rate(100, per: .second, burst: 6000))
        #expect(limits.addressReads == Rate(500, per: .second, burst: 20000))
        #expect(limits.addressLogins == Rate(10, per: .second, burst: 600))
        #expect(limits.addressProfileChanges == Rate(300, per: .minute, burst: 600))
        #expect(limits.flows == 1000)
        #expect(limits.publicFlows == 100)
        #expect(limits.bytes == 10 << 30)
    }

    @Test func eachCanBeChangedAndSwitchedOff() throws {
        let limits = try load(
            """
            [RATE_LIMIT]
            ENABLED = off
            WRITES = 10/s burst 3
            READS = OFF
            ADDRESS_REGISTRATIONS = 5/d
            FLOWS = 7
            PUBLIC_FLOWS = 3
            BYTES = 1 MiB
            """)

        #expect(!limits.isEnabled)
        #expect(limits.writes == Rate(10, per: .second, burst: 3))
        #expect(limits.reads == nil)
        #expect(limits.addressRegistrations == Rate(5, per: .day, burst: 5))
        #expect(limits.flows == 7)
        #expect(limits.publicFlows == 3)
        #expect(limits.bytes == 1 << 20)
    }

    @Test(arguments: ["WRITES = fast", "READS = 0/s", "LOGINS =", "FLOWS = 0", "BYTES = off"])
    func wrongValueIsReported(line: String) throws {
        let error = try #require(throws: SettingsError.self) { try load("[RATE_LIMIT]\n\(line)\n") }

        #expect(error.findings.first?.line == 2)
    }
}
