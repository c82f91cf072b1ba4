// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension Manage {
    /// `flow`: chats, groups and channels.
    struct Flow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create, list, change, fill and delete flows: chats, groups and channels.",
            discussion: """
                Works on a running server, at once, and without one.

                Examples:
                  manage flow seed
                  manage flow list
                  manage flow create --login alice --type group --title Team --member bob
                """,
            subcommands: [
                Create.self, List.self, Show.self, Update.self, Delete.self, AddMember.self, RemoveMember.self,
                Seed.self,
            ]
        )
    }
}
