// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Testing

@Suite struct CBORVectorTests {
    // spec: RFC 8949 appendix A
    @Test(arguments: CBORVector.all) func vectorIsDecoded(vector: CBORVector) throws {
        #expect(try CBORValue(decoding: vector.bytes) == vector.value)
    }

    @Test(arguments: CBORVector.all) func vectorIsEncodedInThePreferredForm(vector: CBORVector) throws {
        #expect(vector.value.encoded().hex == vector.preferred.hex)
        #expect(try CBORValue(decoding: vector.preferred) == vector.value)
    }

    /// The table of the standard has 81 rows, of which one is a map with integers for keys.
    @Test func noVectorIsMissing() {
        #expect(CBORVector.all.count == 80)
        #expect(Set(CBORVector.all.map(\.hex)).count == 80)
        #expect(refusal(of: [UInt8](hex: "a201020304")) == CBORError(.nonTextKey, at: 1))
    }

    @Test(arguments: CBORVector.all) func everyTruncationIsRefused(vector: CBORVector) {
        for length in 0..<vector.bytes.count {
            let error = refusal(of: Array(vector.bytes[..<length]))

            #expect(error?.code == (length == 0 ? .empty : .truncated), "the first \(length) bytes")
            #expect((0...length).contains(error?.offset ?? -1))
        }
    }

    @Test(arguments: CBORVector.all) func whatFollowsIsRefused(vector: CBORVector) {
        #expect(refusal(of: vector.bytes + [0]) == CBORError(.trailing, at: vector.bytes.count))
        #expect(refusal(of: vector.bytes + [0xFF]) == CBORError(.trailing, at: vector.bytes.count))
    }

    @Test(arguments: CBORVector.all) func sliceAndPointerReadTheSame(vector: CBORVector) throws {
        let padded = [0x18] + vector.bytes + [0x18]

        #expect(try CBORValue(decoding: padded[1..<padded.count - 1]) == vector.value)
        let pointed = try vector.bytes.withUnsafeBytes { try CBORValue(decoding: $0) }
        #expect(pointed == vector.value)
    }

    @Test(arguments: CBORVector.all) func valueEqualsItselfAndNoOther(vector: CBORVector) {
        let same = CBORVector.all.filter { $0.value == vector.value }

        #expect(Set(same.map(\.preferred)) == [vector.preferred])
        #expect(Set(same.map(\.value)).count == 1)
    }

    private func refusal(of bytes: [UInt8]) -> CBORError? {
        do {
            _ = try CBORValue(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }
}
