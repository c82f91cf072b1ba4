// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Archive
import Operations

extension ArchiveError: CommandErrorConvertible {
    /// 7 when there is something already, 6 when there is no such file, 69 for a newer program's, 3 for a damaged one.
    var commandError: CommandError {
        switch code {
        case .notEmpty, .exists: CommandError(.exists, description)
        case .missing: CommandError(.notFound, description)
        case .newer: CommandError(.unavailable, description)
        case .damaged: CommandError(.findings, description)
        case .inputOutput: CommandError(.failed, description)
        }
    }
}

extension ProgressBar {
    /// Shows a step of a backup or restore.
    func show(_ step: ArchiveProgress) {
        show(OperationProgress(phase: step.phase, done: step.done, total: step.total))
    }
}
