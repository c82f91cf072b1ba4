// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension Write {
    /// Nothing but the record in the audit that comes with it.
    package struct RecordOnly: LogWrite {
        package init() {}

        package func apply(to log: inout LogTransaction) {
            log.append(.admin, of: nil, "recorded")
        }
    }
}
