// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One parsed text: a copy of its bytes, in which the escapes of strings are undone, and its nodes; both in one block
/// of memory.
///
/// Values and texts taken out of it keep it alive.
///
/// `@unchecked`: nothing changes the block after `init`.
final class JSONDocument: @unchecked Sendable {
    let nodes: UnsafePointer<JSONNode>
    let text: UnsafePointer<UInt8>

    private init(nodes: UnsafeMutablePointer<JSONNode>, text: UnsafeMutablePointer<UInt8>) {
        self.nodes = UnsafePointer(nodes)
        self.text = UnsafePointer(text)
    }

    deinit {
        free(UnsafeMutableRawPointer(mutating: nodes))
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) -> JSONDocument {
        guard let base = bytes.baseAddress, bytes.count > 0 else { throw JSONError(.empty, at: 0) }
        // A member has two nodes: its name and its value.
        let capacity = try limits.check(bytes) * 2
        let nodeBytes = capacity * MemoryLayout<JSONNode>.stride
        guard bytes.count < UInt32.max, let block = malloc(nodeBytes + bytes.count + JSONParser.padding) else {
            throw JSONError(.outOfMemory, at: 0)
        }
        let nodes = block.bindMemory(to: JSONNode.self, capacity: capacity)
        let text = (block + nodeBytes).bindMemory(to: UInt8.self, capacity: bytes.count + JSONParser.padding)
        memcpy(text, base, bytes.count)
        memset(text + bytes.count, 0, JSONParser.padding)
        var parser = JSONParser(text: text, count: bytes.count, nodes: nodes, capacity: capacity)
        do throws(JSONError) {
            try parser.parse()
        } catch {
            free(block)
            throw error
        }
        return JSONDocument(nodes: nodes, text: text)
    }

    /// The bytes of a string; they are good as long as the document.
    func bytes(of node: JSONNode) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text + node.start, count: node.count)
    }
}
