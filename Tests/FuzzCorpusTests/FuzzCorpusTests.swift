// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import FuzzTargets
import Testing

/// Replays what the fuzzer found worth keeping (`Scripts/fuzz`), and each input that once broke a promise.
@Suite struct FuzzCorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus").path

    @Test(arguments: FuzzedDecoder.allCases) func decoderKeepsItsPromisesForTheWholeCorpus(
        decoder: FuzzedDecoder
    ) throws {
        let folder = "\(Self.folder)/\(decoder.rawValue)"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(names.count > 10)

        for name in names {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
            #expect(throws: Never.self, "\(decoder.rawValue)/\(name)") { try decoder.run(bytes) }
            // A part of it, and something behind it.
            try decoder.run(Array(bytes.prefix(bytes.count / 2)))
            try decoder.run(bytes + [0])
        }
    }

    @Test func corpusIsSmall() throws {
        var total = 0
        for decoder in FuzzedDecoder.allCases {
            let folder = "\(Self.folder)/\(decoder.rawValue)"
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                total += try Data(contentsOf: URL(filePath: "\(folder)/\(name)")).count
            }
        }

        #expect(total < 1 << 20)
    }
}
