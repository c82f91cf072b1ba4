// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// A file system for SQLite that fails on demand and forgets what was not flushed, for tests.
//
// The files of one folder are a "disk". Every operation on them is counted, and at a given number something goes wrong.
// What SQLite wrote is kept beside the files together with what it flushed, so that a power cut can be acted out: what
// was flushed survives; of the rest some survives, some in part, some not at all.

#ifndef FAULTY_VFS_H
#define FAULTY_VFS_H

#include <stdint.h>

typedef enum {
    // Operations are only counted.
    FAULTY_NOTHING,
    // One operation fails and does nothing.
    FAULTY_FAIL,
    // One write writes its first half and fails; any other operation fails.
    FAULTY_TEAR,
    // From then on there is no space for files to grow, until faulty_disk_heal.
    FAULTY_FULL,
    // The next flush fails, and what it should have flushed will never reach the disk, though it still can be read.
    FAULTY_FORGET,
    // The power goes: this operation and all that follow fail.
    FAULTY_POWER_CUT,
} faulty_kind;

typedef struct faulty_disk faulty_disk;

// Makes `folder`, an absolute path, a disk on which `kind` happens at the operation number `at`, counted from 1.
faulty_disk *faulty_disk_create(const char *folder, faulty_kind kind, int64_t at, uint64_t seed);

// How many operations there were.
int64_t faulty_disk_operations(faulty_disk *disk);

// Gives a full disk space again.
void faulty_disk_heal(faulty_disk *disk);

// Lets every operation fail from now on, as for a process that has ended.
void faulty_disk_stop(faulty_disk *disk);

// Writes the files as a restart would find them to another folder: after the end of the process alone, or after a power cut.
// Returns 0, or -1 if a file could not be written.
int faulty_disk_save(faulty_disk *disk, const char *folder, int power_is_lost);

// Ends the disk: operations on files that are still open fail, and its folder is an ordinary one again.
void faulty_disk_end(faulty_disk *disk);

#endif
