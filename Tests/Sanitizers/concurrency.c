// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// For builds with ThreadSanitizer, which does not see what Swift's library does when a `Mutex` is contended: that library
// has no instruments. The quick ways are compiled into our code; what they call when a thread has to wait, or to be woken,
// is put in the place of the library's here, which tells the sanitizer and calls the library. Scripts/test links it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Of the library, whatever is in its place.
static void *library(void **known, const char *name) {
    void *function = __atomic_load_n(known, __ATOMIC_RELAXED);
    if (function == 0) {
        function = dlsym(RTLD_NEXT, name);
        __atomic_store_n(known, function, __ATOMIC_RELAXED);
    }
    return function;
}

SWIFT void parley_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void parley_lock(uint32_t thread, SELF) {
    static void *known;
    ((SWIFT void (*)(uint32_t, SELF))library(&known, LOCK))(thread, self);
    __tsan_acquire(self);
}

SWIFT bool parley_try_lock(SELF) __asm__(TRY_LOCK);
SWIFT bool parley_try_lock(SELF) {
    static void *known;
    bool isLocked = ((SWIFT bool (*)(SELF))library(&known, TRY_LOCK))(self);
    if (isLocked) __tsan_acquire(self);
    return isLocked;
}

SWIFT void parley_unlock(SELF) __asm__(UNLOCK);
SWIFT void parley_unlock(SELF) {
    static void *known;
    __tsan_release(self);
    ((SWIFT void (*)(SELF))library(&known, UNLOCK))(self);
}
