// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FastChat
import JSON
import TestSupport
import Testing

@Suite struct FastChatArraysTests {
    private func object(_ count: Int, _ byte: Character = "1") -> [UInt8] {
        Array(String(repeating: byte, count: count).utf8)
    }

    @Test func nothingGivesNoArray() {
        var arrays = FastChatArrays()

        let unit = arrays.next()

        #expect(unit == nil)
        #expect(arrays.isEmpty)
    }

    @Test func anArrayIsFilledToItsLimitAndNotBeyond() {
        var arrays = FastChatArrays(maximumBytes: 21)
        for byte in "123" { arrays.append(object(9, byte)) }

        #expect(arrays.count == 3)
        #expect(arrays.bufferedBytes == 27)
        let first = arrays.next()
        #expect(arrays.count == 1)
        #expect(arrays.bufferedBytes == 9)
        let second = arrays.next()
        let third = arrays.next()

        #expect(first?.bytes == Array("[111111111,222222222]".utf8))
        #expect(first?.count == 2)
        #expect(second?.bytes == Array("[333333333]".utf8))
        #expect(second?.count == 1)
        #expect(third == nil)
        #expect(arrays.bufferedBytes == 0)
    }

    @Test func aLargerObjectHasAnArrayOfItsOwn() {
        var arrays = FastChatArrays(maximumBytes: 10)
        for count in [1, 50, 1, 1] { arrays.append(object(count)) }

        var sizes: [Int] = []
        while let unit = arrays.next() { sizes.append(unit.count) }

        #expect(sizes == [1, 1, 2])
    }

    @Test func orderAndContentsAreKept() throws {
        var generator = SeededGenerator(seed: 9)
        var arrays = FastChatArrays()
        var expected: [Int64] = []
        var found: [Int64] = []
        for number in 0..<3000 as Range<Int64> {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("n", number)
            writer.member("x", String(repeating: "]", count: Int.random(in: 0...600, using: &generator)))
            writer.endObject()
            arrays.append(writer.bytes)
            expected.append(number)
            if Int.random(in: 0..<500, using: &generator) > 0 { continue }
            while let unit = arrays.next() {
                #expect(unit.bytes.count <= FastChatArrays.standardMaximumBytes)
                let array = try #require(try JSONValue.parse(unit.bytes).array)
                #expect(array.count == unit.count)
                found += array.compactMap { $0["n"]?.int }
            }
        }
        while let unit = arrays.next() {
            found += try #require(try JSONValue.parse(unit.bytes).array).compactMap { $0["n"]?.int }
        }

        #expect(found == expected)
    }

    @Test func whatWaitsCanBeForgotten() {
        var arrays = FastChatArrays()
        arrays.append(object(5))

        arrays.removeAll()

        #expect(arrays.isEmpty)
        #expect(arrays.bufferedBytes == 0)
    }
}
