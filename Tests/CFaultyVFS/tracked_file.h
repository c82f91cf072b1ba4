// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// What was written to a file, and what of it was flushed.

#ifndef TRACKED_FILE_H
#define TRACKED_FILE_H

#include <stdint.h>
#include <stdlib.h>

// A write, or a truncation if `bytes` is null, that was not flushed yet.
typedef struct change {
    struct change *next;
    int64_t offset;
    int64_t count;
    unsigned char *bytes;
} change;

// A file of a disk, by its path.
typedef struct tracked {
    struct tracked *next;
    char *path;
    // What is on the disk for certain, and whether the file itself is.
    unsigned char *durable;
    int64_t length;
    int is_durable;
    change *first, *last;
} tracked;

static inline void *checked(void *memory) {
    if (!memory) abort();
    return memory;
}

// Writes to bytes in memory, which grow when they have to; a gap is filled with zeros.
void faulty_put(unsigned char **bytes, int64_t *length, int64_t offset, const unsigned char *from, int64_t count);
// Does a change to bytes in memory.
void faulty_apply(unsigned char **bytes, int64_t *length, const change *change);
// Notes a write, or a truncation if `bytes` is null.
void faulty_note(tracked *file, int64_t offset, const void *bytes, int64_t count);
// Forgets the changes that were not flushed.
void faulty_forget(tracked *file);
// Makes the changes so far durable.
void faulty_flush(tracked *file);
// The bytes of a file, which the caller frees; null if it cannot be opened.
unsigned char *faulty_contents(const char *path, int64_t *length);

#endif
