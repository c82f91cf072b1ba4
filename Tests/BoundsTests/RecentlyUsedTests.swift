// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import TestSupport
import Testing

struct RecentlyUsedTests {
    @Test func whatWasNotUsedForLongestGoesFirst() {
        var memory = RecentlyUsed<String, Int>(capacity: 3)
        for (index, key) in ["a", "b", "c"].enumerated() { memory.set(index, for: key) }
        #expect(memory.value(for: "a") == 0)

        let evicted = memory.set(3, for: "d")

        #expect(evicted.map(\.key) == ["b"])
        #expect(memory.count == 3)
        #expect(memory.peek("b") == nil)
        #expect(["a", "c", "d"].map { memory.peek($0) } == [0, 2, 3])
    }

    @Test func lookingWithoutUsingKeepsTheOrder() {
        var memory = RecentlyUsed<Int, Int>(capacity: 2)
        memory.set(1, for: 1)
        memory.set(2, for: 2)
        #expect(memory.peek(1) == 1)

        #expect(memory.set(3, for: 3).map(\.key) == [1])
    }

    @Test func costsAreCounted() {
        var memory = RecentlyUsed<String, String>(capacity: 100)
        memory.set("small", for: "a", cost: 40)
        memory.set("small", for: "b", cost: 40)

        #expect(memory.set("larger", for: "a", cost: 70).map(\.key) == ["b"])
        #expect(memory.cost == 70)
        #expect(memory.set("too large", for: "c", cost: 101).map(\.key) == ["a", "c"])
        #expect(memory.cost == 0)
        #expect(memory.count == 0)
    }

    @Test func entryMayGrow() {
        var memory = RecentlyUsed<String, Int>(capacity: 10)
        memory.set(1, for: "a", cost: 4)
        memory.set(2, for: "b", cost: 4)

        #expect(memory.setCost(6, of: "b").isEmpty)
        #expect(memory.setCost(7, of: "b").map(\.key) == ["a"])
        #expect(memory.setCost(1, of: "a").isEmpty)
        #expect(memory.cost == 7)
    }

    @Test func changingAnEntryUsesIt() {
        var memory = RecentlyUsed<Int, Int>(capacity: 2)
        memory.set(1, for: 1)
        memory.set(2, for: 2)

        #expect(
            memory.update(1) {
                $0 += 10
                return $0
            } == 11)
        #expect(memory.update(7) { $0 } == nil)
        #expect(memory.set(3, for: 3).map(\.key) == [2])
        #expect(memory.remove(1) == 11)
        #expect(memory.remove(1) == nil)
        #expect(memory.count == 1)
    }

    /// The same steps on a slow model.
    @Test(arguments: 0..<20) func itDoesWhatAListWouldDo(seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 1)
        var memory = RecentlyUsed<Int, Int>(capacity: 50)
        var model: [(key: Int, value: Int, cost: Int)] = []
        for step in 0..<2000 {
            let key = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                #expect(memory.remove(key) == model.first { $0.key == key }?.value)
                model.removeAll { $0.key == key }
            case 1:
                #expect(memory.value(for: key) == model.first { $0.key == key }?.value)
                if let place = model.firstIndex(where: { $0.key == key }) { model.append(model.remove(at: place)) }
            default:
                let cost = Int.random(in: 0...12, using: &random)
                let evicted = memory.set(step, for: key, cost: cost)
                model.removeAll { $0.key == key }
                model.append((key, step, cost))
                var gone: [Int] = []
                while model.reduce(0, { $0 + $1.cost }) > 50 { gone.append(model.removeFirst().key) }
                #expect(evicted.map(\.key) == gone)
            }
            #expect(memory.count == model.count)
            #expect(memory.cost == model.reduce(0) { $0 + $1.cost })
        }
    }
}
