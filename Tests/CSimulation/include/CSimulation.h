// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0
//
// What the simulation needs of the process: one thread, the same addresses in every run, a clock and a source of random
// bytes of its own, and a process for each seed.

#pragma once

#include <stdint.h>

/// What the environment asks for.
typedef struct {
    /// The first seed.
    uint64_t first;
    /// How many seeds.
    uint64_t count;
    /// Whether one seed was named: then its trace is printed whatever happens.
    int isOne;
    /// How many processes at a time; as many as there are processors if nothing is said.
    int jobs;
} simulation_orders;

/// PARLEY_SIMULATION_SEED, or PARLEY_SIMULATION_FIRST and PARLEY_SIMULATION_SEEDS; PARLEY_SIMULATION_JOBS.
simulation_orders simulation_get_orders(void);

/// How many sums `simulation_add` keeps.
enum { simulation_sum_count = 64 };

/// Adds to a sum that all processes of the run share.
void simulation_add(int sum, int64_t value);

/// A sum over all seeds so far.
int64_t simulation_sum(int sum);

/// Plays each seed in a child process that is the same in every run.
///
/// `play` answers 0 when all was well. Prints a line for each seed that fails, crashes or does not end.
/// Returns how many did not end well.
uint64_t simulation_play_all(simulation_orders orders, int (*play)(uint64_t seed, int isOne));

/// Hands what the Swift runtime wants to run on its global pool to `enqueue` instead.
void simulation_take_jobs(void (*enqueue)(void *job));

/// From now on the clocks of this process show this; wall clocks 2023-11-14T22:13:20Z and so much more.
void simulation_set_clock(int64_t nanoseconds);

/// From now on libsodium's random bytes follow from `seed`.
void simulation_seed_random(uint64_t seed);

/// Sets how many bytes the peer behind a simulated descriptor has not acknowledged, as `SIOCOUTQ` tells.
///
/// Descriptors are `simulation_first_descriptor` and those after it.
void simulation_set_unacknowledged(int descriptor, int bytes);

/// No real descriptor is that large.
enum { simulation_first_descriptor = 1 << 24, simulation_descriptor_count = 4096 };
