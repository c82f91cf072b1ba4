// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP

/// Calls every method of MTP as one user, and notes what happened.
package struct ProtocolCheck {
    /// As whom the methods are called.
    package enum Account: Sendable {
        /// A throw-away account, which is registered and deleted.
        case throwAway(login: String, password: String)
        /// An account that is there already, and stays.
        case known(login: String, password: String)
    }

    private static let text: JSONText = "A message of 'manage testclient session'."
    private static let editedText: JSONText = "An edited message of 'manage testclient session'."

    private let server: ServerConnection
    private let account: Account
    private let describe: @Sendable (any Error) -> String
    package private(set) var steps: [CheckStep] = []
    /// The answer to `register_user`, when it was a refusal.
    package private(set) var registrationRefusal: MTPClientRefusal?
    /// The flow that was made.
    package private(set) var flow: String?
    private var credentials: MTPCredentials?
    private var startTime: Int64 = 0
    private var message: String?

    /// `describe` says of an error of the connection what happened, in a sentence.
    package init(
        server: ServerConnection, account: Account, describe: @escaping @Sendable (any Error) -> String
    ) {
        self.server = server
        self.account = account
        self.describe = describe
    }

    private var secrets: (login: String, password: String) {
        switch account {
        case .throwAway(let login, let password), .known(let login, let password): (login, password)
        }
    }

    private var isThrowAway: Bool {
        if case .throwAway = account { true } else { false }
    }

    /// Calls all methods; afterwards `steps` has one entry for each.
    package mutating func run() async {
        await logIn()
        if registrationRefusal != nil { return }
        await askForOneself()
        await makeFlow()
        await sendAndRead()
        await changeAndDelete()
        await leave()
    }

    private mutating func logIn() async {
        let (login, password) = secrets
        if isThrowAway {
            let request = MTPRequest.registerUser(login: login, password: password, username: "Test session")
            let answer = await step(.registerUser, request, expecting: [201]) { response in
                Self.credentials(in: response) == nil ? "The answer lacks uuid or auth_id." : nil
            }
            if let answer, !answer.isSuccess {
                registrationRefusal = MTPClientRefusal(answer)
                return
            }
            credentials = answer.flatMap(Self.credentials)
            startTime = answer?.time ?? 0
        } else {
            skip(.registerUser)
        }
        let known = credentials?.uuid
        let answer = await step(.authentication, .authentication(login: login, password: password)) { response in
            guard let given = Self.credentials(in: response) else { return "The answer lacks uuid or auth_id." }
            return known == nil || known == given.uuid ? nil : "The uuid is another one than at registration."
        }
        credentials = answer.flatMap(Self.credentials) ?? credentials
        if startTime == 0 { startTime = answer?.time ?? 0 }
    }

    private mutating func askForOneself() async {
        await step(.pingPong, credentials.map { .pingPong(as: $0) })
        let own = credentials.map { MTPIdentifier($0.uuid) }
        await step(.userInfo, credentials.map { .userInfo(as: $0, about: [$0.uuid]) }) { response in
            response.data?.user?.contains { $0.uuid == own } == true ? nil : "The user asked for is not in the answer."
        }
    }

    private mutating func makeFlow() async {
        let request = credentials.map {
            MTPRequest.addFlow(as: $0, type: "group", title: "Test session", users: [$0.uuid])
        }
        let answer = await step(.addFlow, request) { response in
            response.data?.flow?.first?.uuid == nil ? "The answer lacks the flow's uuid." : nil
        }
        flow = answer?.data?.flow?.first?.uuid?.description
        let made = flow
        await step(.allFlow, made == nil ? nil : credentials.map { .allFlow(as: $0) }) { response in
            response.data?.flow?.contains { $0.uuid?.description == made } == true
                ? nil : "The new flow is not in the answer."
        }
    }

    private mutating func sendAndRead() async {
        let flow = flow
        let request = credentials.flatMap { principal in
            flow.map {
                MTPRequest.sendMessage(as: principal, flow: $0, MessageObject(clientID: 1, text: Self.text))
            }
        }
        let answer = await step(.sendMessage, request) { response in
            let message = response.data?.message?.first
            if message?.uuid == nil { return "The answer lacks the message's uuid." }
            return message?.clientID == 1 ? nil : "The answer lacks the client_id of the request."
        }
        message = answer?.data?.message?.first?.uuid?.description
        let sent = message
        let reading = credentials.flatMap { principal in
            sent.flatMap { _ in flow.map { MTPRequest.allMessages(as: principal, flow: $0) } }
        }
        await step(.allMessages, reading) { response in
            let found = response.data?.message?.first { $0.uuid?.description == sent }
            return found?.text == Self.text ? nil : "The message that was sent is not in the answer."
        }
    }

    private mutating func changeAndDelete() async {
        let sent = message
        let flow = flow
        let edit = credentials.flatMap { principal in
            sent.map { MTPRequest.editedMessage(as: principal, message: $0, text: Self.editedText) }
        }
        await step(.editedMessage, edit)
        let start = startTime
        let update = credentials.flatMap { principal in
            sent.map { _ in MTPRequest.getUpdate(as: principal, time: start) }
        }
        await step(.getUpdate, update, expecting: [200, 206]) { response in
            let found = response.data?.message?.first { $0.uuid?.description == sent }
            // A busy server may have cut the answer before it came to the message.
            if found == nil, response.code == 206 { return nil }
            return found?.text == Self.editedText ? nil : "The edited message is not in the answer."
        }
        let deletion = credentials.flatMap { principal in
            flow.flatMap { flow in sent.map { MTPRequest.deleteMessage(as: principal, flow: flow, message: $0) } }
        }
        await step(.deleteMessage, deletion)
    }

    private mutating func leave() async {
        guard isThrowAway else { return skip(.deleteUser) }
        let (login, password) = secrets
        await step(.deleteUser, credentials.map { .deleteUser(as: $0, login: login, password: password) })
    }

    // MARK: Steps

    private mutating func skip(_ method: MTPMethod) {
        steps.append(CheckStep(method: method.rawValue, outcome: .skipped, detail: "The account was there already."))
    }

    /// Sends a request and judges its answer; without a request, an earlier step failed.
    @discardableResult
    private mutating func step(
        _ method: MTPMethod, _ request: MTPRequest?, expecting codes: Set<Int> = [200],
        problem: (MTPResponse) -> String? = { _ in nil }
    ) async -> MTPResponse? {
        var step = CheckStep(method: method.rawValue, outcome: .failed)
        defer { steps.append(step) }
        guard let request else {
            step.outcome = .skipped
            step.detail = "A step before it failed."
            return nil
        }
        let answer: ServerConnection.Answer
        do {
            answer = try await server.answer(to: request)
        } catch {
            step.detail = describe(error)
            return nil
        }
        step.duration = answer.duration
        guard let response = answer.response, response.type == method.rawValue || !response.isSuccess else {
            step.detail = "What the server answered does not fit the method."
            return nil
        }
        step.code = response.code
        guard codes.contains(response.code) else {
            step.detail = MTPClientRefusal(response).description
            return response
        }
        step.detail = problem(response)
        step.outcome = step.detail == nil ? .passed : .failed
        return response
    }

    private static func credentials(in response: MTPResponse) -> MTPCredentials? {
        guard response.isSuccess, let user = response.data?.user?.first,
            let uuid = user.uuid?.description, let authID = user.authID?.string
        else { return nil }
        return MTPCredentials(uuid: uuid, authID: authID)
    }
}
