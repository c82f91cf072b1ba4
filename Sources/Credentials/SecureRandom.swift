// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSodium
import Glibc
import Synchronization

/// Random numbers fit for keys, tokens and identifiers.
///
/// The value has no state of its own, so copies never repeat each other and one can be shared by any number of tasks.
/// Small requests come from a buffer of the process; a child made by `fork` finds it empty, and what was given out is
/// erased from it.
package struct SecureRandom: RandomNumberGenerator, Sendable {
    /// The system's source.
    package init() {}

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 1) { buffer in
            RandomPool.fill(UnsafeMutableRawBufferPointer(buffer))
            return buffer[0]
        }
    }
}

extension RandomNumberGenerator {
    package mutating func nextBytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            var word = next()
            for _ in 0..<min(8, count - bytes.count) {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return bytes
    }
}

/// One page of random bytes, so that an identifier does not cost two system calls.
private enum RandomPool {
    /// At the page's start: how many bytes after the header are still unused.
    ///
    /// The kernel zeroes the page in a child made by `fork`, which then reads it as empty.
    private static let headerBytes = 64
    private static let pageBytes = 4096

    /// The page's address, 0 where the kernel does not offer such pages; then every request goes to the system.
    private static let pageAddress = Mutex<UInt>(makePage())

    static func fill(_ target: UnsafeMutableRawBufferPointer) {
        guard let start = target.baseAddress else { return }
        let count = target.count
        pageAddress.withLock { address in
            guard let page = UnsafeMutableRawPointer(bitPattern: address), count <= 256 else {
                _ = Sodium.ready
                randombytes_buf(start, count)
                return
            }
            var unused = page.load(as: Int.self)
            if unused < count {
                _ = Sodium.ready
                unused = pageBytes - headerBytes
                randombytes_buf(page + headerBytes, unused)
            }
            unused -= count
            let source = page + headerBytes + unused
            start.copyMemory(from: source, byteCount: count)
            source.initializeMemory(as: UInt8.self, repeating: 0, count: count)
            page.storeBytes(of: unused, as: Int.self)
        }
    }

    private static func makePage() -> UInt {
        let page = mmap(nil, pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let page, page != UnsafeMutableRawPointer(bitPattern: -1) else { return 0 }
        guard madvise(page, pageBytes, MADV_WIPEONFORK) == 0 else {
            munmap(page, pageBytes)
            return 0
        }
        // Keeps the bytes out of core dumps; they work without it.
        _ = madvise(page, pageBytes, MADV_DONTDUMP)
        return UInt(bitPattern: page)
    }
}
