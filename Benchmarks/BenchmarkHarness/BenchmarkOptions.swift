// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The options of a benchmark: words such as `--rounds 5`, each with a value.
package struct BenchmarkOptions: Sendable {
    private let values: [String: String]
    private let defaults: [String: String]

    /// Reads the words behind the program's name.
    ///
    /// - Parameters:
    ///   - words: Names and values in turn.
    ///   - defaults: Every name that there is, without the dashes, and its value when the words do not say.
    /// - Throws: `BenchmarkFailure` for a name that there is not, or one without a value.
    package init(words: some Sequence<String>, defaults: [String: String]) throws(BenchmarkFailure) {
        var values: [String: String] = [:]
        var name: String?
        for word in words {
            if let waiting = name {
                values[waiting] = word
                name = nil
            } else if word.hasPrefix("--"), defaults[String(word.dropFirst(2))] != nil {
                name = String(word.dropFirst(2))
            } else {
                let known = defaults.keys.sorted().map { "--" + $0 }.joined(separator: ", ")
                throw BenchmarkFailure("'\(word)' is no option. The options are \(known), each with a value.")
            }
        }
        if let name { throw BenchmarkFailure("--\(name) needs a value.") }
        self.values = values
        self.defaults = defaults
    }

    /// The value of an option; empty when it has none.
    package func text(_ name: String) -> String { values[name] ?? defaults[name] ?? "" }

    /// The value of an option that must be a whole number.
    ///
    /// - Parameters:
    ///   - name: The option without its dashes.
    ///   - range: What is allowed.
    /// - Returns: The number.
    /// - Throws: `BenchmarkFailure` for anything else.
    package func number(_ name: String, in range: ClosedRange<Int>) throws(BenchmarkFailure) -> Int {
        guard let number = Int(text(name)), range.contains(number) else {
            throw BenchmarkFailure(
                "--\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
                    + "not '\(text(name))'.")
        }
        return number
    }

    /// The value of an option that is one or more whole numbers with commas between.
    ///
    /// - Parameters:
    ///   - name: The option without its dashes.
    ///   - range: What is allowed.
    /// - Returns: The numbers.
    /// - Throws: `BenchmarkFailure` for anything else.
    package func numbers(_ name: String, in range: ClosedRange<Int>) throws(BenchmarkFailure) -> [Int] {
        let numbers = text(name).split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        guard numbers.allSatisfy(range.contains) else {
            throw BenchmarkFailure(
                "--\(name) must be whole numbers from \(range.lowerBound) to \(range.upperBound) with commas between, "
                    + "not '\(text(name))'.")
        }
        return numbers
    }

    /// The value of an option that is one of some words.
    ///
    /// - Throws: `BenchmarkFailure` for anything else.
    package func word(_ name: String, of words: [String]) throws(BenchmarkFailure) -> String {
        guard words.contains(text(name)) else {
            throw BenchmarkFailure("--\(name) must be one of \(words.joined(separator: ", ")), not '\(text(name))'.")
        }
        return text(name)
    }

    /// The value of an option that is one or more of some words with commas between.
    ///
    /// - Throws: `BenchmarkFailure` for anything else.
    package func words(_ name: String, of words: [String]) throws(BenchmarkFailure) -> [String] {
        let chosen = text(name).split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard chosen.allSatisfy(words.contains) else {
            throw BenchmarkFailure(
                "--\(name) must be of \(words.joined(separator: ", ")) with commas between, not '\(text(name))'.")
        }
        return chosen
    }
}
