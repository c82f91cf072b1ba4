// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

#include "faulty_vfs.h"

#include "tracked_file.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

struct faulty_disk {
    struct faulty_disk *next;
    char *folder;
    faulty_kind kind;
    int64_t at;
    int64_t operations;
    uint64_t random;
    int is_full, is_forgetting, is_dead;
    tracked *files;
};

typedef struct {
    sqlite3_file base;
    faulty_disk *disk;
    tracked *file;
} faulty_file;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static faulty_disk *disks;
static sqlite3_vfs *real;
static sqlite3_vfs faulty;

// The file of the real file system lies behind ours.
static sqlite3_file *real_file(sqlite3_file *file) { return (sqlite3_file *)((char *)file + sizeof(faulty_file)); }

static uint64_t next_random(faulty_disk *disk) {
    // SplitMix64.
    uint64_t z = (disk->random += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// MARK: Files

static tracked *track(faulty_disk *disk, const char *path) {
    for (tracked *file = disk->files; file; file = file->next) {
        if (strcmp(file->path, path) == 0) return file;
    }
    tracked *file = checked(calloc(1, sizeof *file));
    file->path = checked(strdup(path));
    file->durable = faulty_contents(path, &file->length);
    file->is_durable = file->durable != NULL;
    file->next = disk->files;
    disk->files = file;
    return file;
}

static void untrack(faulty_disk *disk, const char *path) {
    // Files that are open still point to it: it stays, empty.
    for (tracked *file = disk->files; file; file = file->next) {
        if (strcmp(file->path, path) != 0) continue;
        faulty_forget(file);
        free(file->durable);
        file->durable = NULL;
        file->length = 0;
        file->is_durable = 0;
    }
}

// MARK: Faults

typedef enum { READ, WRITE, FLUSH, OTHER } operation;
typedef enum { PASS, FAIL, TEAR, FULL, FORGET } verdict;

// Counts an operation and says what becomes of it. `grows` says whether it needs space.
static verdict judge(faulty_disk *disk, operation operation, int grows) {
    disk->operations += 1;
    if (disk->is_dead) return FAIL;
    int is_due = disk->operations == disk->at;
    switch (disk->kind) {
    case FAULTY_NOTHING: return PASS;
    case FAULTY_FAIL: return is_due ? FAIL : PASS;
    case FAULTY_TEAR: return !is_due ? PASS : operation == WRITE ? TEAR : FAIL;
    case FAULTY_FULL:
        if (is_due) disk->is_full = 1;
        return disk->is_full && grows ? FULL : PASS;
    case FAULTY_FORGET:
        if (is_due) disk->is_forgetting = 1;
        if (!disk->is_forgetting || operation != FLUSH) return PASS;
        disk->is_forgetting = 0;
        return FORGET;
    case FAULTY_POWER_CUT:
        if (is_due) disk->is_dead = 1;
        return !is_due ? PASS : operation == WRITE ? TEAR : FAIL;
    }
    return PASS;
}

static int failed(int code) {
    errno = EIO;
    return code;
}

static int file_close(sqlite3_file *file) { return real_file(file)->pMethods->xClose(real_file(file)); }

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    faulty_file *ours = (faulty_file *)file;
    pthread_mutex_lock(&lock);
    verdict verdict = judge(ours->disk, READ, 0);
    pthread_mutex_unlock(&lock);
    if (verdict != PASS) return failed(SQLITE_IOERR_READ);
    return real_file(file)->pMethods->xRead(real_file(file), bytes, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    faulty_file *ours = (faulty_file *)file;
    sqlite3_int64 size = 0;
    real_file(file)->pMethods->xFileSize(real_file(file), &size);
    pthread_mutex_lock(&lock);
    verdict verdict = judge(ours->disk, WRITE, offset + count > size);
    int written = verdict == PASS ? count : verdict == TEAR || verdict == FULL ? count / 2 : 0;
    int code = SQLITE_OK;
    if (written > 0) {
        code = real_file(file)->pMethods->xWrite(real_file(file), bytes, written, offset);
        if (code == SQLITE_OK) faulty_note(ours->file, offset, bytes, written);
    }
    pthread_mutex_unlock(&lock);
    if (verdict == FULL) {
        errno = ENOSPC;
        return SQLITE_FULL;
    }
    return verdict == PASS ? code : failed(SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    faulty_file *ours = (faulty_file *)file;
    pthread_mutex_lock(&lock);
    verdict verdict = judge(ours->disk, OTHER, 0);
    int code = SQLITE_OK;
    if (verdict == PASS) {
        code = real_file(file)->pMethods->xTruncate(real_file(file), size);
        if (code == SQLITE_OK) faulty_note(ours->file, size, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return verdict == PASS ? code : failed(SQLITE_IOERR_TRUNCATE);
}

// The real file is not flushed: the machine that runs the tests does not lose its power, and a flush takes long.
static int file_sync(sqlite3_file *file, int flags) {
    (void)flags;
    faulty_file *ours = (faulty_file *)file;
    pthread_mutex_lock(&lock);
    verdict verdict = judge(ours->disk, FLUSH, 0);
    if (verdict == PASS) faulty_flush(ours->file);
    if (verdict == FORGET) faulty_forget(ours->file);
    pthread_mutex_unlock(&lock);
    return verdict == PASS ? SQLITE_OK : failed(SQLITE_IOERR_FSYNC);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_file(file)->pMethods->xFileSize(real_file(file), size);
}
static int file_lock(sqlite3_file *file, int level) { return real_file(file)->pMethods->xLock(real_file(file), level); }
static int file_unlock(sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}
static int file_check_lock(sqlite3_file *file, int *result) {
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), result);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}
static int file_sector_size(sqlite3_file *file) { return real_file(file)->pMethods->xSectorSize(real_file(file)); }
static int file_characteristics(sqlite3_file *file) {
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    faulty_file *ours = (faulty_file *)file;
    pthread_mutex_lock(&lock);
    verdict verdict = judge(ours->disk, OTHER, extend);
    pthread_mutex_unlock(&lock);
    if (verdict == FULL) {
        errno = ENOSPC;
        return SQLITE_IOERR_SHMSIZE;
    }
    if (verdict != PASS) return failed(SQLITE_IOERR_SHMMAP);
    return real_file(file)->pMethods->xShmMap(real_file(file), page, size, extend, memory);
}
static int shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_file(file)->pMethods->xShmLock(real_file(file), offset, count, flags);
}
static void shm_barrier(sqlite3_file *file) { real_file(file)->pMethods->xShmBarrier(real_file(file)); }
static int shm_unmap(sqlite3_file *file, int delete) {
    return real_file(file)->pMethods->xShmUnmap(real_file(file), delete);
}

static const sqlite3_io_methods methods = {
    2,         file_close,       file_read,       file_write,   file_truncate,   file_sync,
    file_size, file_lock,        file_unlock,     file_check_lock, file_control, file_sector_size,
    file_characteristics, shm_map, shm_lock,      shm_barrier,  shm_unmap,       NULL, NULL,
};

// MARK: The file system

static faulty_disk *disk_of(const char *path) {
    if (!path) return NULL;
    for (faulty_disk *disk = disks; disk; disk = disk->next) {
        size_t length = strlen(disk->folder);
        if (length > 0 && strncmp(path, disk->folder, length) == 0 && path[length] == '/') return disk;
    }
    return NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *actual) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    faulty_disk *disk = disk_of(path);
    if (!disk) {
        pthread_mutex_unlock(&lock);
        return real->xOpen(real, path, file, flags, actual);
    }
    faulty_file *ours = (faulty_file *)file;
    memset(ours, 0, sizeof *ours);
    int code = SQLITE_OK;
    switch (judge(disk, OTHER, 0)) {
    case PASS:
        ours->disk = disk;
        ours->file = track(disk, path);
        code = real->xOpen(real, path, real_file(file), flags, actual);
        break;
    default: code = failed(SQLITE_CANTOPEN);
    }
    if (code == SQLITE_OK) ours->base.pMethods = &methods;
    pthread_mutex_unlock(&lock);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    faulty_disk *disk = disk_of(path);
    int passes = !disk || judge(disk, OTHER, 0) == PASS;
    int code = passes ? real->xDelete(real, path, sync_folder) : failed(SQLITE_IOERR_DELETE);
    if (disk && code == SQLITE_OK) untrack(disk, path);
    pthread_mutex_unlock(&lock);
    return code;
}

static void install(void) {
    real = sqlite3_vfs_find(NULL);
    faulty = *real;
    faulty.pNext = NULL;
    faulty.zName = "faulty";
    faulty.szOsFile += (int)sizeof(faulty_file);
    faulty.xOpen = vfs_open;
    faulty.xDelete = vfs_delete;
    // The default: whoever opens a database by its path alone gets this one, which lets other folders pass.
    sqlite3_vfs_register(&faulty, 1);
}

// MARK: Disks

faulty_disk *faulty_disk_create(const char *folder, faulty_kind kind, int64_t at, uint64_t seed) {
    pthread_once(&once, install);
    faulty_disk *disk = checked(calloc(1, sizeof *disk));
    disk->folder = checked(strdup(folder));
    disk->kind = kind;
    disk->at = at;
    disk->random = seed;
    pthread_mutex_lock(&lock);
    disk->next = disks;
    disks = disk;
    pthread_mutex_unlock(&lock);
    return disk;
}

int64_t faulty_disk_operations(faulty_disk *disk) {
    pthread_mutex_lock(&lock);
    int64_t operations = disk->operations;
    pthread_mutex_unlock(&lock);
    return operations;
}

void faulty_disk_heal(faulty_disk *disk) {
    pthread_mutex_lock(&lock);
    disk->kind = FAULTY_NOTHING;
    disk->is_full = 0;
    pthread_mutex_unlock(&lock);
}

void faulty_disk_stop(faulty_disk *disk) {
    pthread_mutex_lock(&lock);
    disk->is_dead = 1;
    pthread_mutex_unlock(&lock);
}

// What is left of a file after a power cut: of the changes that were not flushed none, all, or some, some of them in part.
static unsigned char *survivors(faulty_disk *disk, tracked *file, int64_t *length) {
    *length = file->length;
    unsigned char *bytes = checked(malloc((size_t)file->length + 1));
    if (file->durable) memcpy(bytes, file->durable, (size_t)file->length);
    uint64_t manner = next_random(disk) % 4;
    for (change *change = file->first; change; change = change->next) {
        uint64_t fate = manner == 0 ? 0 : manner == 1 ? 1 : next_random(disk) % 3;
        if (fate == 1) faulty_apply(&bytes, length, change);
        if (fate != 2 || !change->bytes) continue;
        for (int64_t start = 0; start < change->count; start += SECTOR) {
            int64_t count = change->count - start < SECTOR ? change->count - start : SECTOR;
            if (next_random(disk) & 1) faulty_put(&bytes, length, change->offset + start, change->bytes + start, count);
        }
    }
    return bytes;
}

int faulty_disk_save(faulty_disk *disk, const char *folder, int power_is_lost) {
    int result = 0;
    pthread_mutex_lock(&lock);
    for (tracked *file = disk->files; file; file = file->next) {
        if (power_is_lost && !file->is_durable && (!file->first || next_random(disk) & 1)) continue;
        int64_t length = 0;
        unsigned char *bytes =
            power_is_lost ? survivors(disk, file, &length) : faulty_contents(file->path, &length);
        if (!bytes) continue;
        char *path = checked(malloc(strlen(folder) + strlen(file->path) + 2));
        sprintf(path, "%s/%s", folder, strrchr(file->path, '/') + 1);
        FILE *stream = fopen(path, "wb");
        if (!stream || fwrite(bytes, 1, (size_t)length, stream) != (size_t)length) result = -1;
        if (stream && fclose(stream) != 0) result = -1;
        free(path);
        free(bytes);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void faulty_disk_end(faulty_disk *disk) {
    pthread_mutex_lock(&lock);
    // A connection that is closed late may still ask.
    disk->is_dead = 1;
    disk->folder[0] = 0;
    for (tracked *file = disk->files; file; file = file->next) {
        faulty_forget(file);
        free(file->durable);
        file->durable = NULL;
        file->length = 0;
    }
    pthread_mutex_unlock(&lock);
}
