// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Operations
import Settings

extension Manage {
    /// `invite`: codes for new accounts.
    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create, list and revoke codes with which people make accounts.",
            discussion: """
                While [REGISTRATION] MODE is invite, an account needs a code: MTP clients
                send it as meta.invite, skaro clients as invite. The protocols of messenger
                and FastChat have no place for one; their users sign up elsewhere first.

                Examples:
                  manage invite create
                  manage invite create --uses 20 --expires 30d --note "Class of 2026"
                  manage invite list
                  manage invite revoke 3f0a92
                """,
            subcommands: [Create.self, List.self, Revoke.self]
        )
    }
}

/// A length of time such as `7d`, `12h`, `30m` or `45s`.
struct LifetimeWord {
    var seconds: Int64

    /// Reads an argument.
    ///
    /// - Throws: `ValidationError` that says what one is.
    static func parse(_ argument: String) throws -> LifetimeWord {
        guard let word = LifetimeWord(argument: argument) else {
            throw ValidationError("It is a number and s, m, h, d or w for seconds to weeks, such as 90d or 12h.")
        }
        return word
    }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let last = argument.last, let unit = units[last], let count = Int64(argument.dropLast()), count > 0
        else { return nil }
        let product = count.multipliedReportingOverflow(by: unit)
        guard !product.overflow else { return nil }
        seconds = product.partialValue
    }
}

/// How long an invitation is valid: a length of time, or `never` for one without an end.
struct InviteLife {
    /// 0: for ever.
    var seconds: Int64 = 0

    /// Reads an argument.
    ///
    /// - Throws: `ValidationError` that says what one is.
    static func parse(_ argument: String) throws -> InviteLife {
        if argument == "never" { return InviteLife() }
        guard let word = LifetimeWord(argument: argument) else {
            throw ValidationError("It is a number and s, m, h, d or w for seconds to weeks, such as 12h, or never.")
        }
        return InviteLife(seconds: word.seconds)
    }
}

extension Manage.Invite {
    /// `invite create`: a new code.
    struct Create: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a code, which is shown this once.",
            discussion: """
                The database keeps only a hash of it.

                Examples:
                  manage invite create
                  manage invite create --uses 20 --expires 30d --note "Class of 2026"
                  manage invite create --expires never --json
                """
        )

        @Option(help: ArgumentHelp("How many accounts can be made with it.", valueName: "count"))
        var uses: Int64 = 1

        @Option(
            help: ArgumentHelp(
                "For how long it is valid: a number and s, m, h, d or w, or never. (default: 7d)", valueName: "time"),
            transform: InviteLife.parse)
        var expires = InviteLife(seconds: CreateInvite.standardSeconds)

        @Option(help: ArgumentHelp("Something to know it by.", valueName: "text"))
        var note: String = ""

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let runner = try common.runner()
            let operation = CreateInvite(uses: uses, seconds: expires.seconds, note: note)
            let report = try await runner.run(operation)
            try output.write(report)
            if let mode = runner.settings?.effectiveRegistrationMode, mode != .invite {
                try output.note(
                    "Invites have no effect while registration is \(mode.rawValue): set REGISTRATION.MODE to invite.")
            }
        }
    }

    /// `invite list`: the codes' hashes, uses and ends.
    struct List: CommonCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the codes that are valid, newest first; not the codes themselves.",
            discussion: """
                Examples:
                  manage invite list
                  manage invite list --all --json
                """
        )

        @Flag(name: .customLong("all"), help: "Also those that are used up, expired or revoked.")
        var includesInvalid = false

        @OptionGroup var common: OperationOptions

        func run() async throws {
            let operation = ListInvites(includesInvalid: includesInvalid)
            let report = try await common.runner().run(operation)
            try output.write(report)
            if report.isCut, !output.isJSON { try output.note("There are more; these are the newest.") }
        }
    }

    /// `invite revoke`: no more accounts with a code.
    struct Revoke: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let no more accounts be made with a code; those made with it stay.",
            discussion: """
                Examples:
                  manage invite revoke 3f0a92c81b7e
                  manage invite revoke 3f0a92
                """
        )

        @Argument(help: "The id that 'manage invite list' shows, or the beginning of it.")
        var id: String

        @OptionGroup var common: OperationOptions

        func operation() -> RevokeInvite { RevokeInvite(id: id) }

        func report(_ invite: InviteReport) -> RevokedInviteReport { RevokedInviteReport(invite: invite) }
    }
}

extension CreateInvite.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var fields = FieldsText()
        fields.add("Code", code.clearText)
        fields.add("Id", invite.id)
        fields.add("Accounts", "\(invite.usesLeft)")
        fields.add("Expires", invite.expires ?? "never")
        if !invite.note.isEmpty { fields.add("Note", invite.note) }
        return fields.text(style: style)
    }
}

extension ListInvites.Report: CommandReport {
    func text(style: TextStyle) -> String {
        var table = TableText(headings: ["INVITE", "STATUS", "LEFT", "USED", "CREATED", "EXPIRES", "NOTE"])
        for invite in invites {
            table.add([
                invite.id, invite.status.rawValue, "\(invite.usesLeft)", "\(invite.used)",
                invite.created.minuteOfTime, invite.expires?.minuteOfTime ?? "never", invite.note,
            ])
        }
        return table.text(style: style)
    }
}

/// An invitation that is revoked now.
struct RevokedInviteReport: CommandReport {
    var invite: InviteReport

    func text(style: TextStyle) -> String {
        "Revoked \(invite.id). Accounts made with it: \(invite.used).\n"
    }
}
