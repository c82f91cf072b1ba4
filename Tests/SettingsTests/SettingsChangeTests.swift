// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Settings
import TestSupport
import Testing

struct SettingsChangeTests {
    private static func settings(_ text: String) throws -> Settings {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "config.ini")
        return try Settings.load(file: folder.path("config.ini"), environment: [:], currentFolder: "/")
    }

    @Test func keysWithOtherValuesAreFound() throws {
        let text =
            "[SERVER]\nNAME = A\n[SESSION]\nTOKEN_TTL = 60s\n[ADMIN]\nSOCKET = /s\nSECRET_KEY = one\n"
            + "[LOGGING]\nFOLDER = /l\n[BACKUP]\nFOLDER = /b\n[DATABASE]\nURI = "
            + "postgres://u:one@h/n\n[SECRETS]\nKEY_FILE = /k\n"
        let before = try Self.settings(text)
        let after = try Self.settings(
            text.replacing("NAME = A", with: "NAME = B").replacing("60s", with: "1m").replacing("one", with: "two"))

        let keys = after.changedKeys(since: before)

        // A minute is a minute, and of secrets the values are compared that nobody is shown.
        #expect(keys == [.serverName, .databaseURI, .adminSecretKey])
        #expect(after.changedKeys(since: before.noting([.serverName], of: after)) == [.databaseURI, .adminSecretKey])
        #expect(after.text(of: .adminSecretKey) == "********")
        #expect(before.changedKeys(since: before).isEmpty)
    }

    @Test func everyKeyHasAnAnswerToAReload() {
        for key in SettingKey.all {
            switch key.reload {
            case .unused: #expect(key.use == .compatibility, "\(key.path)")
            case .applied, .restart: #expect(key.use == .active, "\(key.path)")
            }
            #expect(key.needsRestart == (key.reload == .restart))
        }
        // What is bound once stays bound.
        for key in [SettingKey.serverPort, .databaseURI, .adminSocket, .metricsListen, .tlsAuthorityFile] {
            #expect(key.reload == .restart, "\(key.path)")
        }
        #expect(SettingKey.all.count { $0.reload == .applied } == 34)
    }
}
