// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CSimulation

/// What all seeds together have exercised.
///
/// A kind that stays 0 is one that is never drawn: the tests want them all.
enum Tally: Int32, CaseIterable {
    // What became of it.
    case seeds, said, acknowledged, refused, unknown, shown, connections, revocations, nodes, steps, digest
    // What people do.
    case messages, bursts, strangersMessages, edits, deletions, joins, leaves, clientsMemberships
    case disconnections, slowReaders, logins
    case people, accountDeletions, conversations, clientsGroups, conversationDeletions, purges
    // What goes wrong.
    case kills, stops, starts, stalls, storeCuts, hintCuts, clockJumps
    case failedReads, failedStatements, unreachedWrites, breaksBeforeCommit, breaksAfterCommit, breaksDuringCommit
    case commitsOfTheDead, lostHints, doubledHints

    /// Adds a world that has been played.
    static func add(_ world: World) {
        func add(_ sum: Tally, _ value: Int) { simulation_add(sum.rawValue, Int64(value)) }
        add(.seeds, 1)
        add(.said, world.said.count)
        for said in world.said {
            switch said.outcome {
            case .done: add(.acknowledged, 1)
            case .refused: add(.refused, 1)
            case .waiting, .unknown: add(.unknown, 1)
            }
        }
        for device in world.devices {
            add(.shown, device.shown.count)
            add(.connections, device.connections)
        }
        add(.revocations, world.revocations.count)
        add(.nodes, world.nodes.count)
        add(.steps, world.scheduler.steps)
        // Of each trace some bits: equal sums mean equal runs.
        add(.digest, Int(truncatingIfNeeded: world.trace.digest & 0xFFFF_FFFF))
        for (kind, count) in world.trace.counts { add(kind, count) }
    }

    /// The sums, for people and for the tests.
    static var text: String {
        allCases.map { "\($0) \(simulation_sum($0.rawValue))" }.joined(separator: ", ")
    }
}
