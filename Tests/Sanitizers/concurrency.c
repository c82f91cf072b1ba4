// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// For builds with ThreadSanitizer, which does not see what Swift's libraries do in two places, since they have no
// instruments there. What our code calls is put in the place of the library's here, tells the sanitizer and calls the
// library. Scripts/test links it.
//
// - A `Mutex` that is contended. The quick ways are compiled into our code; these are what they call when a thread has to
//   wait, or to be woken.
// - A continuation that is resumed before its task waits. The library tells the sanitizer that it was resumed, but the
//   task, which then goes on without being scheduled, does not tell that it has seen it.

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

// The context is a plain argument; the convention keeps the others where they are.
#define ASYNC __attribute__((swiftasynccall))
#define AWAIT "swift_continuation_await"

extern SWIFT void *swift_task_getCurrent(void);

ASYNC void parley_await(void *context) __asm__(AWAIT);
ASYNC void parley_await(void *context) {
    static void *known;
    void *function = library(&known, AWAIT);
    __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return ((ASYNC void (*)(void *))function)(context);
}
