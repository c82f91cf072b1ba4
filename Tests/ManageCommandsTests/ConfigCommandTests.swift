// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Settings
import Testing

@testable import ManageCommands

struct ConfigCommandTests {
    private let run: CommandRun

    init() throws {
        run = try CommandRun()
    }

    private func mode(_ name: String) -> mode_t {
        var status = stat()
        stat(run.path(name), &status)
        return status.st_mode & 0o777
    }

    // MARK: show

    @Test func showPrintsEverySettingAndSaysThatThereIsNoFile() async throws {
        let result = try await run("config", "show")

        #expect(result.status == .done)
        #expect(result.output.split(separator: "\n").count == SettingKey.all.count + 1)
        #expect(result.errors.contains("No settings file"))
        #expect(try await run("config", "show", "--quiet").errors == "")
    }

    @Test func showInJSON() async throws {
        try run.write(
            "[SERVER]\nPORT = 1\n[DATABASE]\nURI = postgres://u:hunter2@h/n\n[ADMIN]\nSECRET_KEY = hunter2\n",
            to: "config.ini"
        )

        let result = try await run("config", "show", "--json", environment: ["PARLEY_SERVER_HOST": "::1"])

        #expect(result.errors == "")
        #expect(!result.output.contains("hunter2"))
        let text = String(
            result.output.split(separator: run.folder, omittingEmptySubsequences: false).joined(separator: "/FOLDER"))
        try Snapshot.expect(text, isContentOf: "json/config-show.json")
    }

    @Test func wrongSettingsEndWith78() async throws {
        try run.write("[SERVER]\nPORT = x\n", to: "config.ini")

        let wrong = try await run("config", "show")
        let missing = try await run("config", "show", "--config", "none.ini")

        #expect(wrong.status == .settings)
        #expect(wrong.output == "")
        #expect(wrong.errors.contains("config.ini:2: [SERVER] PORT 'x' is not a whole number."))
        #expect(missing.status == .settings)
    }

    // MARK: set

    @Test func setChangesOneLineAndKeepsTheRest() async throws {
        try run.write("# mine\n[Server]\nport : 1\n; end\n", to: "config.ini", mode: 0o640)

        let result = try await run("config", "set", "server.port", "9000")

        #expect(result.status == .done)
        #expect(result.output == "")
        #expect(result.errors.contains("Set SERVER.PORT"))
        #expect(try run.content(of: "config.ini") == "# mine\n[Server]\nport : 9000\n; end\n")
        #expect(mode("config.ini") == 0o640)
        #expect(run.names() == ["config.ini"])
    }

    @Test func setWritesAFileWhenThereIsNone() async throws {
        let result = try await run("config", "set", "SERVER.PORT", "9000", "--json")

        #expect(result.status == .done)
        #expect(result.output.contains("\"created\" : true"))
        #expect(try run.content(of: "config.ini")?.contains("\n;PORT = 8080\nPORT = 9000\n") == true)
        #expect(mode("config.ini") == 0o600)
        #expect(try await run("config", "show").output.contains("9000"))
    }

    @Test(arguments: [
        (["SERVER.PRT", "1"], "Did you mean SERVER.PORT?"), (["PORT", "1"], "Did you mean SERVER.PORT?"),
        (["WHATEVER.IT", "1"], "config show"), (["SERVER.PORT", "70000"], "0 to 65535"),
        (["LOGGING.LEVEL", "loud\u{1B}[2J"], "CRITICAL (50)"), (["DATABASE.URI", "mysql://u:p@h/n"], "PostgreSQL"),
        (["SERVER.PORT"], "--value-stdin"), (["SERVER.PORT", "1", "--value-stdin"], "--value-stdin"),
        (["SERVER.PORT", ""], "0 to 65535"),
    ]) func wrongUseChangesNothing(words: [String], hint: String) async throws {
        try run.write("[SERVER]\n", to: "config.ini")

        let result = try await run.run(["config", "set"] + words)

        #expect(result.status == .usage)
        #expect(result.errors.contains(hint))
        #expect(!result.errors.contains("\u{1B}"))
        #expect(try run.content(of: "config.ini") == "[SERVER]\n")
    }

    @Test func secretsAreTakenFromStandardInputOnly() async throws {
        let refused = try await run("config", "set", "ADMIN.SECRET_KEY", "hunter2")
        let refusedURI = try await run("config", "set", "DATABASE.URI", "postgres://u:hunter2@h/n")
        #expect(run.names().isEmpty)
        let taken = try await run("config", "set", "ADMIN.SECRET_KEY", "--value-stdin", input: "hunter2\n")

        #expect(refused.status == .usage)
        #expect(refusedURI.status == .usage)
        #expect(taken.status == .done)
        #expect(try run.content(of: "config.ini")?.contains("\nSECRET_KEY = hunter2\n") == true)
        for result in [refused, refusedURI, taken] { #expect(!(result.output + result.errors).contains("hunter2")) }
    }

    @Test func valueThatOpensAnotherKeyIsRefused() async throws {
        let result = try await run(
            "config", "set", "LOGGING.INFO", "--value-stdin", input: "a\r[ADMIN]\rSECRET_KEY = x\r")

        #expect(result.status == .usage)
        #expect(run.names().isEmpty)
    }

    @Test func setWarnsWhenTheValueCannotTakeEffect() async throws {
        let hidden = try await run("config", "set", "SERVER.PORT", "1", environment: ["PARLEY_SERVER_PORT": "2"])
        let half = try await run("config", "set", "TLS.KEY_FILE", "key.pem")

        #expect(hidden.errors.contains("Warning: The environment variable PARLEY_SERVER_PORT"))
        #expect(half.status == .done)
        #expect(half.errors.contains("CERT_FILE is not"))
    }

    // MARK: check

    @Test func checkOfTheDefaultsFindsNothing() async throws {
        let result = try await run("config", "check")

        #expect(result.status == .done)
        #expect(result.output == "No problems in the defaults.\n")
    }

    @Test func checkEndsWith3AndListsEverything() async throws {
        try run.write(
            "[SERVER]\nPROT = 1\n[LOGGING]\nFOLDER = config.ini/log\n[ADMIN]\nSOCKET = "
                + "\(String(repeating: "s", count: 120))\n",
            to: "config.ini")

        let result = try await run("config", "check") { settings in
            [
                SettingsFinding(
                    .databaseUnusable, .error, key: "DATABASE.URI",
                    message: "No database at \(settings.server.port).", remedy: "Start it."
                )
            ]
        }

        #expect(result.status == .findings)
        #expect(result.errors == "")
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        #expect(lines[0].contains("config.ini:2: The key SERVER.PROT is unknown"))
        #expect(lines[1].contains("config.ini:4: The log folder"))
        #expect(lines[2].contains("config.ini:6: The path of the admin socket"))
        #expect(lines[3] == "error  No database at 8080. Start it.")
        #expect(lines[4].hasPrefix("4 problems in "))
    }

    @Test func checkReportsWrongValuesAndOdditiesTogether() async throws {
        try run.write("[SERVER]\nPROT = 1\nPORT = x\n[TLS]\n", to: "config.ini")

        let result = try await run("config", "check", "--json")

        #expect(result.status == .findings)
        let text = String(
            result.output.split(separator: run.folder, omittingEmptySubsequences: false).joined(separator: "/FOLDER"))
        try Snapshot.expect(text, isContentOf: "json/config-check.json")
    }

    @Test func checkFindsMissingCertificates() async throws {
        try run.write("[TLS]\nKEY_FILE = key.pem\nCERT_FILE = cert.pem\n", to: "config.ini")
        try run.write("", to: "key.pem")

        let result = try await run("config", "check")

        #expect(result.status == .findings)
        #expect(result.output.contains("cert.pem' of [TLS] CERT_FILE cannot be read: No such file"))
        #expect(!result.output.contains("key.pem'"))
    }

    @Test func brokenLogTemplatesAreFound() async throws {
        try run.write(
            "[LOGGING]\nINFO = {elapsed} {message}\nDEBUG = <pink>{message}</>\nERROR = {level}\n", to: "config.ini")

        let result = try await run("config", "check")

        #expect(result.status == .findings)
        #expect(result.output.contains("config.ini:2: LOGGING.INFO: '{elapsed}' is no field"))
        #expect(result.output.contains("config.ini:3: LOGGING.DEBUG: '<pink>' is no colour"))
        #expect(!result.output.contains("LOGGING.ERROR"))
    }

    @Test func theShippedPasswordIsSaidToBeRefused() async throws {
        try run.write("[SUPERUSER]\nPASSWORD = password\n", to: "config.ini")

        let result = try await run("config", "check")

        #expect(result.status == .done)
        #expect(result.output.contains("'manage superuser-create', which refuses this password"))
    }

    @Test func compatibilityNotesAreNoProblem() async throws {
        try run.write("[SUPERUSER]\nLOGIN = x\n", to: "config.ini")

        let result = try await run("config", "check")

        #expect(result.status == .done)
        #expect(result.output.hasPrefix("note  "))
    }

    @Test func brokenFileIsAFinding() async throws {
        try run.write("[SERVER\n", to: "config.ini")

        let result = try await run("config", "check")

        #expect(result.status == .findings)
        #expect(result.output.contains("config.ini:1: "))
    }

    // MARK: init and restore

    @Test func initWritesTheExampleOnce() async throws {
        let first = try await run("config", "init")
        let second = try await run("config", "init")

        #expect(first.status == .done)
        #expect(first.output == "Wrote the settings file \(run.path("config.ini")).\n")
        #expect(try run.content(of: "config.ini") == SettingsDocumentation.exampleFile())
        #expect(second.status == .exists)
        #expect(second.errors.contains("config restore"))
    }

    @Test func initWritesWhereConfigSays() async throws {
        let result = try await run("--config", "other.ini", "config", "init", "--json")

        #expect(result.status == .done)
        #expect(result.output.contains("\"backup\" : null"))
        #expect(run.names() == ["other.ini"])
    }

    @Test func restoreKeepsADatedCopy() async throws {
        try run.write("[SERVER]\nPORT = 1\n", to: "config.ini")

        let first = try await run("config", "restore", "--yes")
        let second = try await run("config", "restore", "--yes", "--json")

        #expect(first.status == .done)
        #expect(second.output.contains("config.ini.20260201-000000-2\""))
        #expect(run.names() == ["config.ini", "config.ini.20260201-000000", "config.ini.20260201-000000-2"])
        #expect(try run.content(of: "config.ini.20260201-000000") == "[SERVER]\nPORT = 1\n")
        #expect(try run.content(of: "config.ini") == SettingsDocumentation.exampleFile())
    }

    @Test func copiesAreSavedListedAndPutBack() async throws {
        try run.write("[SERVER]\nPORT = 1\n", to: "config.ini")
        chmod(run.path("config.ini"), 0o644)

        let plain = try await run("config", "save")
        let named = try await run("config", "save", "before-upgrade", "--json")
        try run.write("[SERVER]\nPORT = 2\n", to: "config.ini")
        try run.write("", to: "config.ini.old")
        let list = try await run("config", "list")
        let json = try await run("config", "list", "--json")
        let restored = try await run("config", "restore", "config.ini.20260201-000000-before-upgrade", "--yes")

        #expect(plain.output == "Saved the settings to \(run.path("config.ini.20260201-000000")).\n")
        #expect(named.output.contains("config.ini.20260201-000000-before-upgrade\""))
        let lines = list.output.split(separator: "\n")
        #expect(lines.count == 3 && lines[1].hasPrefix("config.ini.20260201-000000 "))
        #expect(lines[2].hasSuffix("2026-02-01 00:00  18"))
        #expect(json.output.contains(#""saved" : "2026-02-01T00:00:00Z""#))
        var status = stat()
        #expect(stat(run.path("config.ini.20260201-000000"), &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(restored.status == .done)
        #expect(try run.content(of: "config.ini") == "[SERVER]\nPORT = 1\n")
        #expect(try run.content(of: "config.ini.20260201-000000-2") == "[SERVER]\nPORT = 2\n")
        #expect(try await run("config", "save", "../x").status == .usage)
        #expect(try await run("config", "restore", "config.ini.old", "--yes").status == .notFound)
        #expect(try await run("config", "save", "--config", "none.ini").status == .settings)
        #expect(try await run("config", "list", "--config", "none.ini").output.split(separator: "\n").count == 1)
    }

    @Test func restoreOfNothingIsNotFound() async throws {
        let result = try await run("config", "restore", "--yes")

        #expect(result.status == .notFound)
        #expect(run.names().isEmpty)
    }

    @Test func unwritableFolderIsNamed() async throws {
        let result = try await run("config", "init", "--config", "/proc/none/config.ini")

        #expect(result.status == .settings)
        #expect(result.errors.contains("/proc/none/config.ini"))
    }

    @Test func oneValueIsPrinted() async throws {
        try run.write("[SERVER]\nPORT = 9000\n[ADMIN]\nSECRET_KEY = hunter2\n", to: "config.ini")

        let port = try await run("config", "get", "SERVER.PORT")
        let json = try await run("config", "get", "server.port", "--json")
        let unset = try await run("config", "get", "REGISTRATION.MODE")
        let secret = try await run("config", "get", "ADMIN.SECRET_KEY")
        let unknown = try await run("config", "get", "SERVER.PROT")

        #expect(port.output == "9000\n")
        #expect(json.output.contains("\"line\" : 2"))
        #expect(unset.status == .done && unset.output == "")
        #expect(!secret.output.contains("hunter2"))
        #expect(unknown.status == .usage && unknown.errors.contains("SERVER.PORT"))
    }

    @Test func valueIsTakenOutOfTheFile() async throws {
        let text = "[SERVER]\n# where\nPORT = 9000\nHOST = ::1\n[LOGGING]\nLEVEL = 20\n"
        try run.write(text, to: "config.ini")

        let removed = try await run("config", "unset", "SERVER.PORT")
        let again = try await run("config", "unset", "SERVER.PORT", "--json", "-q")

        #expect(removed.status == .done)
        #expect(removed.errors.contains("Removed SERVER.PORT"))
        #expect(try run.content(of: "config.ini") == text.replacing("PORT = 9000\n", with: ""))
        #expect(again.status == .done && again.output.contains("\"is_removed\" : false"))
        #expect(try await run("config", "get", "SERVER.PORT").output == "8080\n")
    }
}
