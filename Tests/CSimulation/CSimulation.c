// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

#include "CSimulation.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// MARK: The same process every time

// Tables of Swift are ordered by seeds and by addresses: neither may change from run to run. Both are settled before main,
// and without the heap of the process that plays.
__attribute__((constructor)) static void start_again_without_chance(int argc, char **argv, char **envp) {
    (void)argc;
    (void)envp;
    if (getenv("PARLEY_SIMULATION_SETTLED") != NULL) return;
    setenv("PARLEY_SIMULATION_SETTLED", "1", 1);
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1);
    // The seed says more than a backtrace, and sooner.
    setenv("SWIFT_BACKTRACE", "enable=no", 0);
    // Not permitted in some containers; then addresses, and with them the order of some tables, are chance.
    int now = personality(0xffffffff);
    if (now == -1 || personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1)
        fprintf(stderr, "Addresses cannot be fixed here: a seed may not repeat exactly in another process.\n");
    execv("/proc/self/exe", argv);
    perror("execv");
    _exit(71);
}

static uint64_t number(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

simulation_orders simulation_get_orders(void) {
    simulation_orders orders;
    orders.isOne = getenv("PARLEY_SIMULATION_SEED") != NULL;
    orders.first = orders.isOne ? number("PARLEY_SIMULATION_SEED", 1) : number("PARLEY_SIMULATION_FIRST", 1);
    orders.count = orders.isOne ? 1 : number("PARLEY_SIMULATION_SEEDS", 500);
    orders.jobs = (int)number("PARLEY_SIMULATION_JOBS", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    return orders;
}

// MARK: A process for each seed

static int64_t *sums;

void simulation_add(int sum, int64_t value) {
    if (sums != NULL && sum >= 0 && sum < simulation_sum_count) __atomic_fetch_add(&sums[sum], value, __ATOMIC_RELAXED);
}

int64_t simulation_sum(int sum) {
    return sums == NULL || sum < 0 || sum >= simulation_sum_count ? 0 : __atomic_load_n(&sums[sum], __ATOMIC_RELAXED);
}

// A simulation takes far less: this ends one that goes in circles, or waits for ever. Others may have the processor.
static void limit_time(void) {
    struct rlimit limit = {.rlim_cur = 300, .rlim_max = RLIM_INFINITY};
    setrlimit(RLIMIT_CPU, &limit);
    alarm(6 * 3600);
}

static uint64_t ended(uint64_t seed, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    if (WIFEXITED(status))
        fprintf(stderr, "Seed %llu failed.\n", (unsigned long long)seed);
    else
        fprintf(
            stderr, "Seed %llu ended by signal %d (%s).\n", (unsigned long long)seed, WTERMSIG(status),
            WTERMSIG(status) == SIGALRM ? "it hung" : strsignal(WTERMSIG(status)));
    fprintf(stderr, "Again: PARLEY_SIMULATION_SEED=%llu\n", (unsigned long long)seed);
    return 1;
}

// Between two children nothing here touches the heap, so that all of them begin alike.
uint64_t simulation_play_all(simulation_orders orders, int (*play)(uint64_t seed, int isOne)) {
    enum { most_jobs = 64 };
    static pid_t children[most_jobs];
    static uint64_t seeds[most_jobs];
    sums = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sums == MAP_FAILED) {
        perror("mmap");
        exit(71);
    }
    int jobs = orders.jobs < 1 ? 1 : orders.jobs > most_jobs ? most_jobs : orders.jobs;
    int running = 0;
    uint64_t failures = 0, begun = 0;
    while (begun < orders.count || running > 0) {
        if (begun < orders.count && running < jobs) {
            uint64_t seed = orders.first + begun++;
            pid_t child = fork();
            if (child == -1) {
                perror("fork");
                exit(71);
            }
            if (child == 0) {
                limit_time();
                _exit(play(seed, orders.isOne));
            }
            for (int place = 0; place < most_jobs; place++) {
                if (children[place] != 0) continue;
                children[place] = child;
                seeds[place] = seed;
                break;
            }
            running++;
            continue;
        }
        int status = 0;
        pid_t child = wait(&status);
        if (child == -1 && errno == EINTR) continue;
        for (int place = 0; place < most_jobs; place++) {
            if (children[place] != child) continue;
            children[place] = 0;
            failures += ended(seeds[place], status);
        }
        running--;
    }
    return failures;
}

// MARK: Jobs

static void (*take_job)(void *job);

__attribute__((swiftcall)) static void global_job(void *job, void *original) {
    (void)original;
    take_job(job);
}

void simulation_take_jobs(void (*enqueue)(void *job)) {
    take_job = enqueue;
    void **hook = dlsym(RTLD_DEFAULT, "swift_task_enqueueGlobal_hook");
    if (hook != NULL) *hook = (void *)global_job;
}

// MARK: Clocks

static int is_simulated;
static int64_t shown;
static const int64_t wall_start = 1700000000LL * 1000000000LL;

void simulation_set_clock(int64_t nanoseconds) {
    is_simulated = 1;
    shown = nanoseconds;
}

// Takes the place of the C library's for the Swift runtime, NIO and SQLite.
int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!is_simulated) return (int)syscall(SYS_clock_gettime, clock, time);
    int64_t nanoseconds = clock == CLOCK_REALTIME ? wall_start + shown : shown;
    time->tv_sec = nanoseconds / 1000000000;
    time->tv_nsec = nanoseconds % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

// MARK: Random bytes

static uint64_t random_state;

static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static const char *random_name(void) { return "simulation"; }
static uint32_t random_word(void) { return (uint32_t)next_random(); }

static void random_fill(void *const buffer, const size_t size) {
    unsigned char *bytes = buffer;
    for (size_t index = 0; index < size; index++) bytes[index] = (unsigned char)next_random();
}

void simulation_seed_random(uint64_t seed) {
    static randombytes_implementation implementation = {
        .implementation_name = random_name, .random = random_word, .buf = random_fill};
    random_state = seed;
    randombytes_set_implementation(&implementation);
}

// BoringSSL has its own random numbers, and keeps numbers of chance sizes: away from the heap of all others.
static char *arena, *arena_end;

void *OPENSSL_memory_alloc(size_t size) {
    const size_t header = 16, most = 4ul << 30;
    if (arena == NULL) {
        arena = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (arena == MAP_FAILED) return NULL;
        arena_end = arena + most;
    }
    size_t room = header + ((size + 15) & ~(size_t)15);
    if (room > (size_t)(arena_end - arena)) return NULL;
    char *block = arena + header;
    arena += room;
    memcpy(block - sizeof size, &size, sizeof size);
    return block;
}

// A seed does not need much: nothing is taken back.
void OPENSSL_memory_free(void *block) { (void)block; }

size_t OPENSSL_memory_get_size(void *block) {
    size_t size = 0;
    if (block != NULL) memcpy(&size, (char *)block - sizeof size, sizeof size);
    return size;
}

// MARK: Sockets

static int unacknowledged[simulation_descriptor_count];

void simulation_set_unacknowledged(int descriptor, int bytes) {
    unacknowledged[(descriptor - simulation_first_descriptor) % simulation_descriptor_count] = bytes;
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (descriptor < simulation_first_descriptor) return (int)syscall(SYS_ioctl, descriptor, request, argument);
    *(int *)argument = unacknowledged[(descriptor - simulation_first_descriptor) % simulation_descriptor_count];
    return 0;
}

// MARK: Threads

// A simulation has one thread. What would be done on another one is done at once: the threads of password hashes end when
// their work does.
int pthread_create(
    pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *), void *restrict argument) {
    if (is_simulated) {
        *thread = pthread_self();
        start(argument);
        return 0;
    }
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (real == NULL) real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attributes, start, argument);
}

int pthread_detach(pthread_t thread) {
    if (is_simulated) return 0;
    static int (*real)(pthread_t);
    if (real == NULL) real = (int (*)(pthread_t))dlsym(RTLD_NEXT, "pthread_detach");
    return real(thread);
}
