// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Members of the same name are refused, at a cost that does not grow with the square of their number.
///
/// The names of a small object are compared with each other. Those of a large one are kept by a hash; it has a seed, so
/// that no text can choose names that collide.
extension JSONParser {
    private static let fewMembers = 16

    /// Whether none of the `count` members before has the name at the node `name`.
    mutating func isNew(_ name: Int, amongMembersOf object: Int, count: Int) -> Bool {
        if count < Self.fewMembers { return !isAmong(name, object) }
        if count == Self.fewMembers {
            var earlier = object + 1
            while earlier < name {
                hashes.insert(hash(of: earlier, object))
                earlier = Int(nodes[earlier + 1].next)
            }
        }
        return hashes.insert(hash(of: name, object)).inserted || !isAmong(name, object)
    }

    private func isAmong(_ name: Int, _ object: Int) -> Bool {
        let wanted = nodes[name]
        var earlier = object + 1
        while earlier < name {
            let node = nodes[earlier]
            if node.count == wanted.count, memcmp(text + node.start, text + wanted.start, node.count) == 0 {
                return true
            }
            earlier = Int(nodes[earlier + 1].next)
        }
        return false
    }

    private func hash(of name: Int, _ object: Int) -> Int {
        var hasher = Hasher()
        hasher.combine(object)
        hasher.combine(bytes: UnsafeRawBufferPointer(start: text + nodes[name].start, count: nodes[name].count))
        return hasher.finalize()
    }
}
