// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

// Plays the seeds that the environment names, each in a process of its own; see docs/architecture.md, Tests.

ProcessExecutors.install()
exit(Stage.playAll())
