// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations

extension Manage.Flow {
    /// `flow add-member`: one more member.
    struct AddMember: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an account to a private group or channel.",
            discussion: """
                Examples:
                  manage flow add-member Team bob
                  manage flow add-member 2773 bob
                """
        )

        @OptionGroup var flow: FlowArgument

        @Argument(help: "The new member's login.", completion: .logins)
        var login: String

        @OptionGroup var common: OperationOptions

        func operation() -> Operations.AddMember { Operations.AddMember(uuid: flow.name, login: login) }
    }
}
