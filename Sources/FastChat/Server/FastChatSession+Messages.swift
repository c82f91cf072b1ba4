// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage
import Transport

/// How what a client wrote comes into the log.
extension FastChatSession {
    private var chat: Chat { service.chat }

    // MARK: From memory

    /// A message that is ready for the log.
    private struct Draft {
        var flow: FlowAccess
        var header: FastChatHeader
        var bodies: [NewBody]
    }

    /// Puts a message into the next batch, if its sender, its flow and its recipients' keys are in memory.
    ///
    /// - Returns: `nil` if something must be read or opened first, or if the message is to be refused for anything but
    ///   itself: that is counted.
    func sendAtOnce(_ request: FastChatRequest, as ticket: RequestTicket) -> RequestAdmission<Answer>? {
        guard !isOver, let connection, let holder, request.sender == feed?.reader.number,
            let principal = chat.knownPrincipal(uuid: holder.principal.uuid, token: holder.token, from: origin),
            let draft = knownDraft(request, by: principal)
        else { return nil }
        let group = draft.header.group
        do throws(ChatError) {
            let isSubmitted = try chat.submitAtOnce(
                FastChatStored.sealed(draft.header), bodies: draft.bodies, as: chat.newMessageIdentifier(),
                to: draft.flow, by: principal, on: connection.taskExecutor
            ) { self.settle(ticket, $0, about: group) }
            return isSubmitted ? .submitted : nil
        } catch {
            return .answer(.refused(FastChatRefusal.detail(error), group: group))
        }
    }

    private func knownDraft(_ request: FastChatRequest, by principal: Principal) -> Draft? {
        switch request {
        case .direct(let message):
            guard let recipient = knownRecipient(of: message.copy),
                let flow = try? chat.knownDirectFlow(with: recipient, by: principal)
            else { return nil }
            let body = FastChatStored.body(message.copy, for: recipient.id, header: nil)
            return Draft(flow: flow, header: message.header, bodies: [body])
        case .group(let message):
            guard let flow = chat.knownFlow(row: message.group.rawValue, for: principal), flow.kind != .chat
            else { return nil }
            var bodies: [NewBody] = []
            for copy in message.copies {
                // To a public group everybody writes with the key that is held for its owner.
                guard let recipient = knownRecipient(of: copy), flow.isVisible(to: recipient.id),
                    !flow.isPublic || recipient.id != flow.owner
                else { return nil }
                guard recipient.id != principal.user else { continue }
                bodies.append(FastChatStored.body(copy, for: recipient.id, header: nil))
            }
            return Draft(flow: flow, header: message.header, bodies: bodies)
        default: return nil
        }
    }

    /// Whom a copy is for, if they have published a key.
    private func knownRecipient(of copy: FastChatCopy) -> Person? {
        guard let person = chat.knownPerson(publicNumber: copy.recipient.rawValue),
            !service.knownKeys.known(of: [person.id]).isEmpty
        else { return nil }
        return person
    }

    // MARK: What must be read or opened

    func send(
        _ message: FastChatMessage, by principal: Principal, as ticket: RequestTicket
    ) async throws(FastChatRefusal) -> RequestAdmission<Answer> {
        let recipient = message.copy.recipient
        try await chatting {
            let counted = try chat.count(messageBy: principal)
            let person = try await chat.person(publicNumber: recipient.rawValue)
            let hasKey = try await !service.withKey([person.id]).isEmpty
            guard hasKey || service.options.isBridged else {
                throw ChatError.notAllowed("User \(recipient.rawValue) has no key, and the bridge is off.")
            }
            let flow = try await chat.directFlow(with: person, by: principal)
            if hasKey {
                return try await submit(
                    FastChatStored.sealed(message.header),
                    bodies: [FastChatStored.body(message.copy, for: person.id, header: nil)], as: counted, to: flow,
                    for: ticket)
            }
            // The number of an account that cannot have a key says so itself.
            if !flow.isBridged, recipient.rawValue <= Self.maximumChosenNumber { tell(.notEndToEnd(with: recipient)) }
            try await chat.markBridged(flow, over: principal.protocol)
            let content = try await service.open([(person, message.copy)], message.header.kind)
            try await submit(content, as: counted, to: flow, for: ticket)
        }
        return .submitted
    }

    private func submit(
        _ content: MessageContent, bodies: [NewBody] = [], as counted: CountedMessage, to flow: FlowAccess,
        for ticket: RequestTicket, about group: FastChatGroupNumber? = nil
    ) async throws(ChatError) {
        guard let connection else { throw .busy }
        try await chat.submit(content, bodies: bodies, as: counted, to: flow, on: connection.taskExecutor) {
            self.settle(ticket, $0, about: group)
        }
    }

    /// The client hears of a message only when it was refused.
    private func settle(_ ticket: RequestTicket, _ outcome: MessageOutcome, about group: FastChatGroupNumber?) {
        switch outcome {
        case .success: pipeline?.settle(ticket, nil)
        case .failure(let error):
            pipeline?.settle(ticket, .refused(FastChatRefusal.detail(error), group: group))
        }
        pipeline?.advance()
    }

    func send(
        _ message: FastChatGroupMessage, by principal: Principal, as ticket: RequestTicket
    ) async throws(FastChatRefusal) -> RequestAdmission<Answer> {
        let (counted, flow) = try await chatting(about: message.group) {
            (try chat.count(messageBy: principal), try await service.group(message.group, for: principal))
        }
        let (copies, held) = try await sorted(message, to: flow, by: principal)
        try await chatting(about: message.group) {
            if held.isEmpty {
                let bodies = copies.map { FastChatStored.body($0.copy, for: $0.person.id, header: nil) }
                return try await submit(
                    FastChatStored.sealed(message.header), bodies: bodies, as: counted, to: flow, for: ticket,
                    about: message.group)
            }
            // Before it is known whether anything opens: what others see of it says nothing to the sender.
            try await chat.markBridged(flow, over: principal.protocol)
            let content = try await service.open(held, message.header.kind)
            let bodies = copies.map { FastChatStored.body($0.copy, for: $0.person.id, header: message.header) }
            try await submit(
                content, bodies: bodies, as: counted, to: flow, for: ticket, about: message.group)
        }
        return .submitted
    }

    private typealias Copies = [(person: Person, copy: FastChatCopy)]

    /// Tells the copies for people with a key of their own from those for keys that the server holds.
    private func sorted(
        _ message: FastChatGroupMessage, to flow: FlowAccess, by principal: Principal
    ) async throws(FastChatRefusal) -> (own: Copies, held: Copies) {
        var copies: Copies = []
        for (index, copy) in message.copies.enumerated() {
            let person: Person
            do throws(ChatError) {
                person = try await chat.person(publicNumber: copy.recipient.rawValue)
            } catch {
                throw FastChatRefusal("[\(index)].dest: \(FastChatRefusal.detail(error))", group: message.group)
            }
            guard flow.isVisible(to: person.id) else {
                throw FastChatRefusal("[\(index)].dest is no member of the group", group: message.group)
            }
            copies.append((person, copy))
        }
        let withKey = try await chatting(about: message.group) { try await service.withKey(copies.map(\.person.id)) }
        // To a public group everybody writes with the key that is held for its owner.
        let isHeld = { (person: Person) in
            !withKey.contains(person.id) || flow.isPublic && person.id == flow.owner
        }
        let held = copies.filter { isHeld($0.person) }
        guard held.isEmpty || service.options.isBridged else {
            throw FastChatRefusal(
                "user \(held[0].copy.recipient.rawValue) has no key, and the bridge is off", group: message.group)
        }
        return (copies.filter { !isHeld($0.person) && $0.person.id != principal.user }, held)
    }
}
