// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ManageCommands

@main
struct Program {
    static func main() async {
        await Manage.start(version: "0.1.0")
    }
}
