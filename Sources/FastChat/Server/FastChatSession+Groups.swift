// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

extension FastChatSession {
    private var chat: Chat { service.chat }

    /// Makes a group; who asks owns it.
    func createGroup(of numbers: [FastChatUserNumber], by principal: Principal) async throws(FastChatRefusal) {
        try await countLookUp(for: principal)
        var members: [Person] = []
        for number in numbers {
            do throws(ChatError) {
                members.append(try await chat.person(publicNumber: number.rawValue))
            } catch {
                throw FastChatRefusal("dest \(number.rawValue): \(FastChatRefusal.detail(error))")
            }
        }
        try await requireKeys(of: members, in: nil)
        let (people, title) = (members, "Group of \(feed?.reader.number.rawValue ?? 0)")
        let flow = try await chatting { try await chat.createGroup(title: title, members: people, by: principal) }
        try await tell(.created(FastChatGroupNumber(flow.id)), andPrivacyOf: flow)
    }

    /// Adds an account to a group of the principal's.
    func add(
        _ number: FastChatUserNumber, to group: FastChatGroupNumber, by principal: Principal
    ) async throws(FastChatRefusal) {
        try await countLookUp(for: principal, about: group)
        let flow = try await self.group(group, for: principal)
        let person: Person
        do throws(ChatError) {
            person = try await chat.person(publicNumber: number.rawValue)
        } catch .noSuchUser {
            throw FastChatRefusal(FastChatAddRefusal.noSuchUser.detail, group: group)
        } catch {
            throw FastChatRefusal(error, group: group)
        }
        try await requireKeys(of: [person], in: group)
        do throws(ChatError) {
            guard try await !chat.addMember(person, to: flow, by: principal) else {
                return refuse(FastChatAddRefusal.alreadyMember.detail, group: group)
            }
        } catch .notAllowed where flow.owner != principal.user {
            throw FastChatRefusal(FastChatAddRefusal.notAdmin.detail, group: group)
        } catch {
            throw FastChatRefusal(error, group: group)
        }
        let notice = FastChatNotice("You have added \(number.rawValue) to group \(group.rawValue)", group: group)
        try await tell(notice, andPrivacyOf: self.group(group, for: principal))
    }

    /// Removes an account from a group of the principal's, or the principal from any.
    func remove(
        _ number: FastChatUserNumber, from group: FastChatGroupNumber, by principal: Principal
    ) async throws(FastChatRefusal) {
        try await countLookUp(for: principal, about: group)
        let flow = try await self.group(group, for: principal)
        do throws(ChatError) {
            let person = try await chat.person(publicNumber: number.rawValue)
            try await chat.removeMember(person, from: flow, by: principal)
        } catch .notAllowed where flow.owner != principal.user {
            throw FastChatRefusal(FastChatRemoveRefusal.notAdmin.detail, group: group)
        } catch .noSuchUser {
            throw FastChatRefusal(FastChatRemoveRefusal.notMember.detail, group: group)
        } catch .noSuchFlow {
            // The group is there: it is the membership that is not.
            throw FastChatRefusal(FastChatRemoveRefusal.notMember.detail, group: group)
        } catch {
            throw FastChatRefusal(error, group: group)
        }
        // Who leaves is told by the log.
        guard number != feed?.reader.number else { return }
        tell(FastChatNotice("You have removed \(number.rawValue) from group \(group.rawValue)", group: group))
    }

    /// Counts that numbers are looked up before a change of a group, which counts apart from this.
    private func countLookUp(
        for principal: Principal, about group: FastChatGroupNumber? = nil
    ) async throws(FastChatRefusal) {
        try await chatting(about: group) { try chat.admit(.read, by: principal) }
    }

    private func group(
        _ group: FastChatGroupNumber, for principal: Principal
    ) async throws(FastChatRefusal) -> FlowAccess {
        try await chatting(about: group) {
            try await service.group(group, for: principal)
        }
    }

    /// Without the bridge everybody in a group has a key of their own.
    private func requireKeys(of people: [Person], in group: FastChatGroupNumber?) async throws(FastChatRefusal) {
        guard !service.options.isBridged else { return }
        let withKey = try await chatting(about: group) { try await service.withKey(people.map(\.id)) }
        if let person = people.first(where: { !withKey.contains($0.id) }) {
            throw FastChatRefusal("user \(person.publicNumber) has no key, and the bridge is off", group: group)
        }
    }

    /// Tells of a change of a group and whether it is end to end now; when it ceased to be, all members learn that.
    private func tell(_ notice: FastChatNotice, andPrivacyOf flow: FlowAccess) async throws(FastChatRefusal) {
        let group = FastChatGroupNumber(flow.id)
        let isEndToEnd = try await chatting(about: group) { try await service.isEndToEnd(flow) }
        if !isEndToEnd { feed?.toldOpen.insert(flow.id) }
        tell(notice)
        tell(.privacy(of: group, isEndToEnd: isEndToEnd))
        guard !isEndToEnd, service.options.isBridged else { return }
        try await chatting(about: group) { try await chat.markBridged(flow, over: FastChatService.name) }
    }
}
