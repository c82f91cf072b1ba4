// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `backup`: the files that `db backup` makes.
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List and verify backups.",
            discussion: """
                'manage db backup' makes one, 'manage db restore' reads one back. With
                [BACKUP] SCHEDULE the running server makes them by itself.

                Examples:
                  manage backup list
                  manage backup verify backup/parley-20260131-033000.tar.gz
                """,
            subcommands: [List.self, Verify.self]
        )
    }
}
