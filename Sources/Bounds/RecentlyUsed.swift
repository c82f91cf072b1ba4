// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A dictionary with a bound on what its entries cost: those that were not used for longest go first.
///
/// Looking up and changing an entry takes constant time, and no memory is allocated once it has its size. Inlinable and
/// public, so that its users have copies for types of their own: every message looks something up, and Swift 6.3 does
/// not specialize what is inlinable and `package`.
public struct RecentlyUsed<Key: Hashable, Value> {
    @usableFromInline struct Node {
        @usableFromInline var key: Key
        @usableFromInline var value: Value
        @usableFromInline var cost: Int
        /// The neighbour that was used before this one; -1 for none.
        @usableFromInline var older: Int
        /// The neighbour that was used after this one; -1 for none.
        @usableFromInline var newer: Int

        @usableFromInline init(key: Key, value: Value, cost: Int, older: Int, newer: Int) {
            self.key = key
            self.value = value
            self.cost = cost
            self.older = older
            self.newer = newer
        }
    }

    /// What the entries may cost together.
    public let capacity: Int
    /// What they cost now.
    public var cost = 0
    @usableFromInline var places: [Key: Int] = [:]
    @usableFromInline var nodes: [Node?] = []
    @usableFromInline var free: [Int] = []
    @usableFromInline var oldest = -1
    @usableFromInline var newest = -1

    /// An empty one; `capacity` is in whatever unit the costs are, such as bytes.
    @inlinable public init(capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    /// How many entries there are.
    @inlinable public var count: Int { places.count }

    /// The value of a key, which counts as a use.
    @inlinable public mutating func value(for key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        use(place)
        return nodes[place]?.value
    }

    /// The value of a key, which does not count as a use.
    @inlinable public func peek(_ key: Key) -> Value? {
        places[key].flatMap { nodes[$0]?.value }
    }

    /// Changes the value of a key in place, which counts as a use.
    ///
    /// - Returns: What `change` returns; `nil` when there is no such entry.
    @inlinable public mutating func update<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        guard let place = places[key] else { return nil }
        use(place)
        return nodes[place].mutate { change(&$0.value) }
    }

    /// Puts a value in place of the key's old one.
    ///
    /// - Returns: The entries that had to go, oldest first; the new one itself if it alone costs more than there is
    ///   room.
    @discardableResult @inlinable
    public mutating func set(_ value: Value, for key: Key, cost: Int = 1) -> [(key: Key, value: Value)] {
        let cost = max(cost, 0)
        if let place = places[key] {
            nodes[place].mutate { node in
                self.cost += cost - node.cost
                node.value = value
                node.cost = cost
            }
            use(place)
        } else {
            let node = Node(key: key, value: value, cost: cost, older: newest, newer: -1)
            let place: Int
            if let spare = free.popLast() {
                place = spare
                nodes[place] = node
            } else {
                place = nodes.count
                nodes.append(node)
            }
            places[key] = place
            link(place)
            self.cost += cost
        }
        return evict()
    }

    /// Changes what an entry costs, as when its value has grown in place.
    ///
    /// - Returns: The entries that had to go, oldest first.
    @discardableResult @inlinable
    public mutating func setCost(_ cost: Int, of key: Key) -> [(key: Key, value: Value)] {
        guard let place = places[key] else { return [] }
        let cost = max(cost, 0)
        nodes[place].mutate { node in
            self.cost += cost - node.cost
            node.cost = cost
        }
        return evict()
    }

    @inlinable mutating func evict() -> [(key: Key, value: Value)] {
        var evicted: [(key: Key, value: Value)] = []
        while cost > capacity, oldest >= 0, let node = nodes[oldest] {
            remove(node.key)
            evicted.append((node.key, node.value))
        }
        return evicted
    }

    /// Removes an entry.
    ///
    /// - Returns: Its value, if there was one.
    @discardableResult @inlinable
    public mutating func remove(_ key: Key) -> Value? {
        guard let place = places.removeValue(forKey: key), let node = nodes[place] else { return nil }
        unlink(node)
        nodes[place] = nil
        free.append(place)
        cost -= node.cost
        return node.value
    }

    /// Removes all entries.
    @inlinable public mutating func removeAll() {
        self = Self(capacity: capacity)
    }

    @inlinable mutating func use(_ place: Int) {
        guard place != newest, let node = nodes[place] else { return }
        unlink(node)
        link(place)
    }

    @inlinable mutating func unlink(_ node: Node) {
        if node.older >= 0 { nodes[node.older]?.newer = node.newer } else { oldest = node.newer }
        if node.newer >= 0 { nodes[node.newer]?.older = node.older } else { newest = node.older }
    }

    @inlinable mutating func link(_ place: Int) {
        nodes[place]?.older = newest
        nodes[place]?.newer = -1
        if newest >= 0 { nodes[newest]?.newer = place } else { oldest = place }
        newest = place
    }
}

extension RecentlyUsed.Node: Sendable where Key: Sendable, Value: Sendable {}
extension RecentlyUsed: Sendable where Key: Sendable, Value: Sendable {}

extension Optional {
    @discardableResult
    @inlinable mutating func mutate<Result>(_ change: (inout Wrapped) -> Result) -> Result? {
        // Moved out and in again, so that what it refers to is not copied.
        guard var value = take() else { return nil }
        defer { self = value }
        return change(&value)
    }
}
