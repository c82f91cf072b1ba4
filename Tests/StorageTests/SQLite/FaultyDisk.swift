// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CFaultyVFS
import ChatTesting
import Glibc
import TestSupport

/// A folder whose files fail on demand: see `faulty_vfs.h`.
final class FaultyDisk {
    let folder: TemporaryFolder
    private let disk: OpaquePointer

    /// Something goes wrong at the operation number `operation`, counted from 1.
    init(_ kind: faulty_kind, at operation: Int64, seed: UInt64) throws {
        folder = try TemporaryFolder()
        disk = faulty_disk_create(folder.path, kind, operation, seed)
    }

    deinit {
        faulty_disk_end(disk)
        folder.remove()
    }

    /// How many operations there were.
    var operations: Int64 { faulty_disk_operations(disk) }

    /// Gives a full disk space again.
    func heal() { faulty_disk_heal(disk) }

    /// Lets every operation fail from now on, as for a process that has ended.
    func stop() { faulty_disk_stop(disk) }

    /// Writes the files as a restart would find them to another folder.
    func save(to other: TemporaryFolder, powerIsLost: Bool) throws {
        guard faulty_disk_save(disk, other.path, powerIsLost ? 1 : 0) == 0 else {
            throw StorageTestError("the files of a disk could not be saved")
        }
    }
}

extension faulty_kind: @retroactive CustomStringConvertible {
    /// For the names of tests.
    var description: String {
        switch self {
        case FAULTY_NOTHING: "nothing"
        case FAULTY_FAIL: "fail"
        case FAULTY_TEAR: "tear"
        case FAULTY_FULL: "full"
        case FAULTY_FORGET: "forget"
        case FAULTY_POWER_CUT: "power cut"
        default: "kind \(rawValue)"
        }
    }
}
