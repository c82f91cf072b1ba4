// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Finds the word that was probably meant.
package enum SpellingSuggestion {
    /// The candidate with the smallest edit distance to a word, if it is near enough to be meant: at most a third of
    /// the word's length.
    ///
    /// Upper and lower case are the same; of equal candidates the first wins.
    package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let word = Array(word.uppercased().unicodeScalars.prefix(64))
        let limit = max(1, word.count / 3)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(word, Array(candidate.uppercased().unicodeScalars.prefix(64)))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// How many letters have to be inserted, removed, changed or swapped with their neighbour.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(
                    previous[column] + (scalar == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
