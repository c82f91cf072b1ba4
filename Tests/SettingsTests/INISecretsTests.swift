// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Settings

struct INISecretsTests {
    private func kept(_ text: String) throws -> String {
        String(decoding: try INIDocument(text).withoutSecrets(folder: "/srv").bytes, as: UTF8.self)
    }

    @Test(arguments: [
        "[DATABASE]\nURI = postgres://u:hunter2@h/x\n",
        "[database]\nuri: postgres://h/x?user=u&password=hunter2\n",
        "[DATABASE]\nURI = postgres://u@h/x?sslpassword=hunter2\n",
        "[DATABASE]\nURI = 'postgres://u:hunter2@h:notaport/x'\n",
        "[DATABASE]\n; URI = postgres://u:hunter2@h/x\n",
        "[DATABASE]\n#URI = postgres://u:hunter2@h/x\n",
        "[DATABASE]\nURI = postgres://u@h/x\n  # hunter2\n",
        "[DATABSE]\nURI = postgres://u:hunter2@h/x\n",
        "[DATABASE]\nURL = postgres://u:hunter2@h/x\n",
        "[DATABASE] ; it was hunter2\nURI = sqlite:x\n",
        "[DEFAULT]\nURI = postgres://u:hunter2@h/x\n",
        "[ADMIN]\nsecret-key = hunter2\nSECRETKEY = hunter2\n",
        "[DEFAULT]\nSECRET_KEY = hunter2\n",
        "[SUPERUSER]\nPASSWORD = hunter2\nPASSWORD_HASH = hunter2\n  hunter2\n",
    ])
    func nothingSecretIsLeft(text: String) throws {
        #expect(!(try kept(text)).contains("hunter2"))
    }

    @Test func theDatabaseIsTheSame() throws {
        let text = "[DEFAULT]\nURI = sqlite:x\n[DATABASE]\nURI = postgres://u:hunter2@h/x\n"

        let document = try INIDocument(text).withoutSecrets(folder: "/srv")

        #expect(document.entry(section: "DATABASE", names: ["URI"])?.value == "postgres://u@h:5432/x")
    }

    @Test func whatIsNotSecretStays() throws {
        let text = """
            ; what we changed
            [SERVER]
            PORT = 9000
            templates: here

            [DATABASE]
            URI = postgres://u:hunter2@h/x?sslmode=require
            POOL = 4

            """
        let document = try INIDocument(text).withoutSecrets(folder: "/srv")

        #expect(document.entry(section: "SERVER", names: ["PORT"])?.value == "9000")
        #expect(document.entry(section: "DATABASE", names: ["URI"])?.value == "postgres://u@h:5432/x?sslmode=require")
        #expect(document.entries.map(\.name).sorted() == ["POOL", "PORT", "URI"])
        #expect(try kept("[DATABASE]\nURI = sqlite:chat.db\n") == "[DATABASE]\nURI = sqlite:chat.db\n")
    }
}
