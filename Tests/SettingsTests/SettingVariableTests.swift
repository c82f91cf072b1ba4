// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import TestSupport
import Testing

struct SettingVariableTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(_ environment: [String: String]) throws -> Settings {
        try Settings.load(environment: environment, currentFolder: folder.path)
    }

    private func findings(_ environment: [String: String]) throws -> [SettingsFinding] {
        try #require(throws: SettingsError.self) { try load(environment) }.findings
    }

    @Test func variableNamesAFileThatHasTheValue() throws {
        let uri = try folder.write("postgres://u:hunter2@h/name\n", to: "uri")
        try folder.write("9001", to: "port")

        let settings = try load(["PARLEY_DATABASE_URI_FILE": uri, "PARLEY_SERVER_PORT_FILE": "port"])

        guard case .postgres(let location) = settings.database.location else {
            Issue.record("\(settings.database.location)")
            return
        }
        #expect(location.password == "hunter2")
        #expect(settings.server.port == 9001)
        #expect(settings.findings.isEmpty)
        let shown = try #require(settings.values().first { $0.key == .databaseURI })
        #expect(shown.text == "postgres://u:***@h:5432/name")
        #expect(shown.source.description == "environment PARLEY_DATABASE_URI_FILE")
    }

    @Test(arguments: [("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), (" x", " x")])
    func oneLineBreakAtTheEndIsNoPartOfTheValue(content: String, value: String) throws {
        try folder.write(content, to: "key")

        #expect(try load(["PARLEY_ADMIN_SECRET_KEY_FILE": "key"]).admin.secretKey == value)
    }

    @Test func relativePathCountsFromTheFolderOfTheSettingsFile() throws {
        try folder.write("[SERVER]\nPORT = 1\n", to: "config.ini")
        try folder.write("2", to: "port")

        let settings = try Settings.load(
            file: "\(folder.path)/config.ini", environment: ["PARLEY_SERVER_PORT_FILE": "port"], currentFolder: "/")

        #expect(settings.server.port == 2)
    }

    @Test func settingWhoseOwnNameEndsWithFileKeepsItsMeaning() throws {
        let settings = try load(["PARLEY_TLS_KEY_FILE": "key.pem", "PARLEY_TLS_CERT_FILE": "cert.pem"])

        #expect(settings.tls.keyFile == "\(folder.path)/key.pem")
    }

    @Test func fileThatCannotBeReadIsAnErrorThatNamesIt() throws {
        let missing = try findings(["PARLEY_DATABASE_URI_FILE": "none"])

        #expect(missing.map(\.id) == [.variableFile])
        #expect(missing.map(\.key) == ["DATABASE.URI"])
        #expect(
            missing.first?.message
                == "The file 'none', which the environment variable PARLEY_DATABASE_URI_FILE names, cannot be read: "
                + "No such file or directory.")
    }

    @Test(.timeLimit(.minutes(1))) func pipeOrFolderIsAnErrorAndNothingIsWaitedFor() throws {
        try #require(mkfifo("\(folder.path)/pipe", 0o600) == 0)

        for path in ["pipe", "."] {
            let found = try findings(["PARLEY_DATABASE_URI_FILE": path])

            #expect(found.map(\.id) == [.variableFile])
            #expect(found.first?.message.hasSuffix("is not a regular file.") == true)
        }
    }

    @Test func contentThatIsNoValueIsAnErrorThatDoesNotShowIt() throws {
        try folder.write(String(repeating: "a", count: 65537), to: "large")
        try folder.write([0x68, 0xFF], to: "latin")
        try folder.write([0x68, 0x00, 0x0A], to: "zero")
        try folder.write("oracle:hunter2@h", to: "wrong")

        for (file, problem) in [
            ("large", "is larger than 64 KiB."), ("latin", "is not text in UTF-8."), ("zero", "is not text in UTF-8."),
        ] {
            let finding = try #require(try findings(["PARLEY_DATABASE_URI_FILE": file]).first)
            #expect(finding.id == .variableFile)
            #expect(finding.message.hasSuffix(problem))
        }
        let wrong = try #require(try findings(["PARLEY_DATABASE_URI_FILE": "wrong"]).first)
        #expect(wrong.id == .valueInvalid)
        #expect(wrong.description.contains("PARLEY_DATABASE_URI_FILE"))
        #expect(!wrong.description.contains("hunter2"))
    }

    @Test func valueAndFileAtOnceAreAnError() throws {
        try folder.write("9001", to: "port")

        let both = try findings(["PARLEY_SERVER_PORT": "9000", "PARLEY_SERVER_PORT_FILE": "port"])

        #expect(both.map(\.id) == [.variableTwice])
        #expect(
            both.first?.message
                == "The environment variables PARLEY_SERVER_PORT and PARLEY_SERVER_PORT_FILE are both set.")
    }
}
