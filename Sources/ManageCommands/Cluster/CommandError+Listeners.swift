// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ParleyServer

extension SectionListenerError: CommandErrorConvertible {
    /// Like that of the listener, with the section of the settings that it belongs to.
    var commandError: CommandError {
        var failure = error.commandError
        if other != nil { failure.status = .settings }
        failure.message = description
        return failure
    }
}
