// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A list of cipher suites in OpenSSL's language, such as `ECDHE+AESGCM:!AES256` or `HIGH:!aNULL:@STRENGTH`.
///
/// It is evaluated here, to the names of suites that BoringSSL has, because BoringSSL must not be given a list that
/// leaves nothing. The suites of TLS 1.3 are fixed and not part of it.
package struct CipherExpression: Equatable, Sendable {
    /// Why an expression cannot be used.
    package enum Problem: Error, Equatable, Sendable {
        /// The word means nothing to OpenSSL.
        case unknownWord(String)
        /// No suite is left that this server has.
        case nothingLeft
    }

    /// The suites in order of preference; `nil` for the library's choice.
    package let suites: [String]?

    /// Evaluates an expression.
    ///
    /// Words stand between `:`, `,` or blanks. `!` removes suites for good, `-` removes them, `+` moves them to the
    /// end; a `+` within a word means both. Words of OpenSSL for what BoringSSL does not have select nothing.
    package init(_ text: String) throws(Problem) {
        let words = text.split(whereSeparator: { ":, ".contains($0) }).map(String.init)
        // What Python's ssl module and uvicorn give by default.
        if words.count == 1, ["TLSV1", "DEFAULT"].contains(words[0].uppercased()) {
            suites = nil
            return
        }
        var chosen: [Suite] = []
        var killed: Set<String> = []
        for word in words {
            let operation = word.first.flatMap { "!-+@".contains($0) ? $0 : nil }
            let name = operation == nil ? word : String(word.dropFirst())
            if operation == "@" {
                guard name.uppercased() == "STRENGTH" || name.uppercased().hasPrefix("SECLEVEL=") else {
                    throw .unknownWord(word)
                }
                if name.uppercased() == "STRENGTH" { chosen = Self.byStrength(chosen) }
                continue
            }
            let matching = try Self.suites(matching: name)
            let names = Set(matching.map(\.name))
            switch operation {
            case "!":
                killed.formUnion(names)
                chosen.removeAll { names.contains($0.name) }
            case "-": chosen.removeAll { names.contains($0.name) }
            case "+": chosen = chosen.filter { !names.contains($0.name) } + chosen.filter { names.contains($0.name) }
            default:
                chosen += matching.filter { suite in
                    !killed.contains(suite.name) && !chosen.contains { $0.name == suite.name }
                }
            }
        }
        guard !chosen.isEmpty else { throw .nothingLeft }
        suites = chosen.map(\.name)
    }

    /// The suites for TLS up to 1.2, the preferred ones first.
    package static let allSuites = all.map(\.name)

    // MARK: The table

    private struct Suite {
        var name: String
        /// The words that select it, in upper case.
        var properties: Set<String>
        var strength: Int

        init(_ name: String) {
            self.name = name
            let parts = name.split(separator: "-").map(String.init)
            let isGCM = name.contains("GCM")
            let isChaCha = name.contains("CHACHA20")
            var words: Set<String> = [name, "ALL", "HIGH", "FIPS"]
            words.formUnion(isGCM || isChaCha ? ["TLSV1.2"] : ["SSLV3", "TLSV1"])
            if parts[0] == "ECDHE" {
                words.formUnion(["ECDHE", "EECDH", "KECDHE", "KEECDH", "A\(parts[1])"])
                if parts[1] == "ECDSA" { words.insert("ECDSA") }
            } else {
                words.formUnion(["RSA", "KRSA", "ARSA"])
            }
            if isChaCha {
                words.insert("CHACHA20")
            } else {
                words.formUnion(["AES", name.contains("AES256") ? "AES256" : "AES128"])
            }
            if isGCM { words.insert("AESGCM") }
            switch parts.last {
            case "SHA": words.formUnion(["SHA", "SHA1"])
            case "SHA256": words.insert("SHA256")
            case "SHA384": words.insert("SHA384")
            default: break
            }
            properties = words
            strength = name.contains("AES256") || isChaCha ? 256 : 128
        }
    }

    private static let all = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA",
    ].map(Suite.init)

    /// Words of OpenSSL that select nothing here: BoringSSL does not have such suites.
    private static let foreignWords: Set<String> = [
        "COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "MEDIUM", "LOW", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "NULL",
        "ENULL", "ANULL", "DH", "ADH", "AECDH", "EDH", "DHE", "KDHE", "KEDH", "KDH", "KDHR", "KDHD", "ADSS", "DSS",
        "KECDH", "KECDHR", "PSK", "KPSK", "KECDHEPSK", "KDHEPSK", "KRSAPSK", "APSK", "SRP", "KSRP",
        "GOST", "KGOST", "AGOST", "AESCCM", "AESCCM8", "ARIA", "ARIA128", "ARIA256", "ARIAGCM", "CAMELLIA",
        "CAMELLIA128",
        "CAMELLIA256", "SEED", "IDEA", "RC2", "RC4", "DES", "3DES", "MD5", "SUITEB128", "SUITEB128ONLY", "SUITEB192",
        "SSLV2",
        "TLSV1.0", "TLSV1.1", "TLSV1.3", "CBC", "KRB5", "KKRB5", "AKRB5",
    ]

    /// Parts of the names of suites.
    private static let nameParts: Set<String> = [
        "TLS", "AES", "ECDHE", "DHE", "EDH", "ADH", "AECDH", "ECDH", "DH", "RSA", "ECDSA", "DSS", "PSK", "SRP", "KRB5",
        "AES128",
        "AES256", "128", "256", "GCM", "CCM", "CCM8", "CBC", "CBC3", "DES", "3DES", "EDE", "CHACHA20", "POLY1305",
        "CAMELLIA128",
        "CAMELLIA256", "CAMELLIA", "ARIA128", "ARIA256", "SEED", "RC4", "IDEA", "RC2", "NULL", "EXP", "MD5", "SHA",
        "SHA1",
        "SHA256", "SHA384",
    ]

    private static func suites(matching name: String) throws(Problem) -> [Suite] {
        let words = name.uppercased().split(separator: "+").map(String.init)
        guard !words.isEmpty else { throw .unknownWord(name) }
        var matching = all
        for word in words {
            let isProperty = word == "DEFAULT" || all.contains { $0.properties.contains(word) }
            guard isProperty || foreignWords.contains(word) || isSuiteName(word) else { throw .unknownWord(name) }
            if word != "DEFAULT" { matching.removeAll { !$0.properties.contains(word) } }
        }
        return matching
    }

    /// Whether a word has the form of a suite's name, of ours or not.
    private static func isSuiteName(_ word: String) -> Bool {
        let parts = word.split(whereSeparator: { $0 == "-" || $0 == "_" }).map(String.init)
        return parts.count >= 2 && parts.allSatisfy(nameParts.contains)
    }

    /// Longer keys first; suites of one strength keep their order.
    private static func byStrength(_ suites: [Suite]) -> [Suite] {
        suites.filter { $0.strength == 256 } + suites.filter { $0.strength != 256 }
    }
}

extension CipherExpression.Problem: CustomStringConvertible {
    /// What is wrong, for people.
    package var description: String {
        switch self {
        case .unknownWord(let word): "'\(word)' is no cipher suite and no group of them."
        case .nothingLeft: "No cipher suite of TLS 1.2 that this server has is left."
        }
    }
}
