// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// The events of parts of some flows and of changed accounts in the order of the log, read as they are asked for.
///
/// Each part is read by its flow's index in chunks that grow while it is asked for more, so that a page of many flows
/// reads about as many entries as it returns, and those chunks that ran out together come in one round trip.
struct PositionMerge {
    /// How many entries a source's first chunk has.
    static let firstChunk = 16
    static let largestChunk = 1024

    private struct Source {
        /// `nil` for the events of accounts.
        var flow: SQLValue?
        var chunk: [Position] = []
        var index = 0
        var chunkSize = PositionMerge.firstChunk
        /// The last position that was read.
        var read: Position
        /// The last one that is wanted.
        var upTo: Position
        var isExhausted = false
    }

    private var sources: [Source]
    /// A heap of the sources that have an entry, by that entry.
    private var heap: [(position: Position, source: Int)] = []
    /// Sources whose next entry is not known: they are read before the next comparison.
    private var unread: [Int]

    /// `after` and `upTo` bound the events of accounts.
    init(_ ranges: [FlowRange], accounts: Bool = true, after: Position, upTo: Position) {
        var sources = ranges.map { Source(flow: .int($0.flow), read: $0.after, upTo: $0.upTo) }
        if accounts { sources.append(Source(flow: nil, read: after, upTo: upTo)) }
        self.sources = sources
        unread = sources.indices.filter { sources[$0].read < sources[$0].upTo }
    }

    /// The next position, which stays the next.
    mutating func peek(on connection: any SQLConnection) throws(StorageError) -> Position? {
        try readOn(connection)
        return heap.first?.position
    }

    /// Takes the next position.
    mutating func next(on connection: any SQLConnection) throws(StorageError) -> Position? {
        try readOn(connection)
        guard let (position, index) = heap.first else { return nil }
        sources[index].index += 1
        if sources[index].index < sources[index].chunk.count {
            heap[0].position = sources[index].chunk[sources[index].index]
            siftDown()
        } else {
            let last = heap.removeLast()
            if !heap.isEmpty {
                heap[0] = last
                siftDown()
            }
            if !sources[index].isExhausted { unread.append(index) }
        }
        return position
    }

    private mutating func readOn(_ connection: any SQLConnection) throws(StorageError) {
        guard !unread.isEmpty else { return }
        let asked = unread
        unread = []
        let answers = try connection.rows(pipelined: asked.map { statement(for: sources[$0]) })
        for (index, rows) in zip(asked, answers) {
            let positions = try rows.map { row throws(StorageError) in
                var reader = RowReader(row)
                return try reader.position()
            }
            sources[index].isExhausted = positions.count < sources[index].chunkSize
            sources[index].chunkSize = min(sources[index].chunkSize * 4, Self.largestChunk)
            sources[index].chunk = positions
            sources[index].index = 0
            guard let first = positions.first, let last = positions.last else { continue }
            sources[index].read = last
            heap.append((first, index))
            siftUp()
        }
    }

    private func statement(for source: Source) -> SQLStatement {
        let range = [SQLValue(source.read), SQLValue(source.upTo), SQLValue(limit: source.chunkSize)]
        guard let flow = source.flow else {
            return SQLStatement(
                """
                SELECT position FROM events
                WHERE flow_id IS NULL AND type = 'user' AND position > $1 AND position <= $2
                ORDER BY position
                LIMIT $3
                """, range)
        }
        return SQLStatement(
            """
            SELECT position FROM events
            WHERE flow_id = $1 AND position > $2 AND position <= $3
            ORDER BY position
            LIMIT $4
            """, [flow] + range)
    }

    // MARK: The heap

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].position < heap[parent].position else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1].position < heap[child].position { child += 1 }
            guard heap[child].position < heap[parent].position else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
