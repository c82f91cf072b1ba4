// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0
