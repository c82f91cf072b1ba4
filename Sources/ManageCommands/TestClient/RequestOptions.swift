// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON
import MTP
import TestClient

extension MTPMethod: ExpressibleByArgument {}

/// Which request `testclient send` sends.
struct RequestOptions: ParsableArguments {
    @Option(
        name: [.customShort("t"), .customLong("type")],
        help: ArgumentHelp("The method.", valueName: "method"))
    var method = MTPMethod.sendMessage

    @Option(
        name: .customLong("flow"),
        help: ArgumentHelp(
            "The flow: its uuid or the first digits of it, its row, or its title. (default: the bot's own flow)",
            valueName: "flow"),
        completion: .flows)
    var flow: String?

    @Option(name: .customLong("text"), help: "The text of the message.")
    var text: String?

    @Option(
        name: .customLong("file"),
        help: ArgumentHelp(
            "Attach a file; kinds are picture, video, audio and document. May be repeated.", valueName: "kind=path"))
    var files: [AttachmentFile] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set any member of the request, such as data.flow.0.title=News. May be repeated.",
            discussion: "PATH:=JSON takes any JSON: data.flow.0.users:=[\"1\",\"2\"].", valueName: "path=value"))
    var assignments: [MemberAssignment] = []

    @Option(
        name: .customLong("raw"),
        help: ArgumentHelp("Send this text as it is; '-' reads it from standard input.", valueName: "json"))
    var raw: String?

    func validate() throws {
        if assignments.contains(where: \.isSecret) {
            throw ValidationError(
                "Please do not put a password or an auth_id on the command line, which other users of this machine "
                    + "can see. Use --login with --password-stdin, --uuid with --auth-id-stdin, or --raw -.")
        }
        var kinds: Set<AttachmentFile.Kind> = []
        for file in files where !kinds.insert(file.kind).inserted {
            throw ValidationError("Please give one file of the kind \(file.kind.rawValue); a message has no more.")
        }
        let isPut = flow != nil || text != nil || !files.isEmpty || !assignments.isEmpty || method != .sendMessage
        if raw != nil, isPut {
            throw ValidationError("Please give --raw alone: it is the whole request.")
        }
    }

    /// The request as a frame; `principal` is `nil` for a method that names an account by its login.
    func frame(
        as principal: TestAccount?, proof: AccountOptions.Proof, contents: [(AttachmentFile.Kind, JSONText)]
    ) throws(CommandError) -> [UInt8] {
        var request = MTPRequest(method)
        request.data = try data(as: principal, proof: proof, contents: contents)
        let encoded = request.encoded()
        if assignments.isEmpty { return encoded }
        guard let parsed = try? JSONValue.parse(encoded) else {
            throw CommandError(.failed, "The request cannot be put together.")
        }
        var tree = JSONTree(parsed)
        for assignment in assignments {
            do {
                try tree.set(assignment.path[...], to: assignment.value)
            } catch {
                throw CommandError(.usage, "--set \(assignment.path.joined(separator: ".")) \(error.problem).")
            }
        }
        var writer = JSONWriter(capacity: encoded.count)
        tree.write(to: &writer)
        return writer.bytes
    }

    private func data(
        as principal: TestAccount?, proof: AccountOptions.Proof, contents: [(AttachmentFile.Kind, JSONText)]
    ) throws(CommandError) -> MTPData {
        var data = MTPData(user: [user(principal, proof)])
        let needsFlow = method == .sendMessage || method == .allMessages || method == .deleteMessage
        if needsFlow {
            let isSet = assignments.contains { $0.path.starts(with: ["data", "flow"]) }
            guard let uuid = flow ?? principal?.flow ?? (isSet ? "" : nil) else {
                throw CommandError(
                    .usage, "The method \(method.rawValue) needs a flow.",
                    nextStep: "Add --flow FLOW; list flows with 'manage testclient send -t all_flow'.")
            }
            data.flow = [FlowObject(uuid: uuid.isEmpty ? nil : MTPIdentifier(uuid))]
        } else if let flow {
            data.flow = [FlowObject(uuid: MTPIdentifier(flow))]
        }
        switch method {
        case .getUpdate, .allMessages: data.time = 0
        case .addFlow:
            var made = data.flow?.first ?? FlowObject()
            made.type = "group"
            made.owner = principal.map { MTPIdentifier($0.credentials.uuid) }
            data.flow = [made]
        case .userInfo: data.user?.append(UserObject(uuid: principal.map { MTPIdentifier($0.credentials.uuid) }))
        default: break
        }
        let takesMessage = method == .sendMessage || method == .editedMessage || text != nil || !contents.isEmpty
        if takesMessage { data.message = [message(contents)] }
        return data
    }

    private func user(_ principal: TestAccount?, _ proof: AccountOptions.Proof) -> UserObject {
        var user = UserObject(
            uuid: principal.map { MTPIdentifier($0.credentials.uuid) },
            authID: principal.map { JSONText($0.credentials.authID) })
        if case .password(let login, let password) = proof, !method.needsAuthorization || method == .deleteUser {
            user.login = login
            user.password = password
        }
        return user
    }

    private func message(_ contents: [(AttachmentFile.Kind, JSONText)]) -> MessageObject {
        var message = MessageObject(clientID: method == .sendMessage ? 1 : nil, text: text.map { JSONText($0) })
        for (kind, content) in contents {
            switch kind {
            case .picture: message.filePicture = content
            case .video: message.fileVideo = content
            case .audio: message.fileAudio = content
            case .document: message.fileDocument = content
            }
        }
        if method == .sendMessage, text == nil, contents.isEmpty { message.text = "Health check" }
        return message
    }
}
