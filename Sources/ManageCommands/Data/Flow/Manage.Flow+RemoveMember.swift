// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow remove-member`: one member fewer.
    struct RemoveMember: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take an account out of a private group or channel.",
            discussion: """
                The owner stays a member.

                Example:
                  manage flow remove-member Team bob
                """
        )

        @OptionGroup var flow: FlowArgument

        @Argument(help: "The member's login.", completion: .logins)
        var login: String

        @OptionGroup var common: OperationOptions

        func operation() -> Operations.RemoveMember { Operations.RemoveMember(uuid: flow.name, login: login) }
    }
}
