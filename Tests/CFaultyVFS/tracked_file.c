// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

#include "tracked_file.h"

#include <stdio.h>
#include <string.h>

void faulty_put(unsigned char **bytes, int64_t *length, int64_t offset, const unsigned char *from, int64_t count) {
    if (offset + count > *length) {
        *bytes = checked(realloc(*bytes, (size_t)(offset + count)));
        memset(*bytes + *length, 0, (size_t)(offset + count - *length));
        *length = offset + count;
    }
    memcpy(*bytes + offset, from, (size_t)count);
}

void faulty_apply(unsigned char **bytes, int64_t *length, const change *change) {
    if (change->bytes) {
        faulty_put(bytes, length, change->offset, change->bytes, change->count);
    } else if (change->offset < *length) {
        *length = change->offset;
    }
}

void faulty_note(tracked *file, int64_t offset, const void *bytes, int64_t count) {
    change *new = checked(calloc(1, sizeof *new));
    new->offset = offset;
    new->count = count;
    if (bytes) {
        new->bytes = checked(malloc((size_t)count + 1));
        memcpy(new->bytes, bytes, (size_t)count);
    }
    if (file->last) file->last->next = new; else file->first = new;
    file->last = new;
}

void faulty_forget(tracked *file) {
    while (file->first) {
        change *next = file->first->next;
        free(file->first->bytes);
        free(file->first);
        file->first = next;
    }
    file->last = NULL;
}

void faulty_flush(tracked *file) {
    for (change *change = file->first; change; change = change->next) faulty_apply(&file->durable, &file->length, change);
    faulty_forget(file);
    file->is_durable = 1;
}

unsigned char *faulty_contents(const char *path, int64_t *length) {
    *length = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream) return NULL;
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    rewind(stream);
    unsigned char *bytes = checked(malloc((size_t)size + 1));
    *length = (int64_t)fread(bytes, 1, (size_t)size, stream);
    fclose(stream);
    return bytes;
}
