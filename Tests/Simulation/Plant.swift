// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A fault that is planted once in each seed, to see that the verdict finds it: `PARLEY_SIMULATION_PLANT=dropped`.
enum Plant: String {
    /// A push does not arrive.
    case dropped
    /// A push arrives twice.
    case doubled
    /// Two pushes arrive in the wrong order.
    case swapped
    /// A push of a conversation of two arrives at a device of somebody else.
    case leaked
    /// The push of an edit or a deletion does not arrive.
    case stale
    /// A message that was acknowledged goes from the log.
    case forgotten
    /// A message that is in the log is refused.
    case contradicted
    /// A message of a conversation of two is somebody else's in the log.
    case forged
    /// A session goes on after its revocation was acknowledged.
    case kept

    /// An edit is acknowledged and not written.
    case unedited
    /// An edit is written twice.
    case editedTwice
    /// An edit that is in the log is refused.
    case disowned
    /// A deletion is acknowledged and not written.
    case undeleted
    /// A message is deleted and nobody has asked.
    case unasked
    /// A leave is acknowledged and not written.
    case stayed
    /// A member joins once more.
    case joinedTwice
    /// A leave that is in the log is refused.
    case withheld
    /// A leave is in the log and not in the table of members.
    case undone

    /// What the environment asks for.
    static let asked = getenv("PARLEY_SIMULATION_PLANT").flatMap { Plant(rawValue: String(cString: $0)) }
}
