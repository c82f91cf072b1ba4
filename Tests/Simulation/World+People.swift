// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import FastChat
import Storage

extension World {
    /// Makes the people and the first conversations, in calm weather.
    func setUp(people: Int) {
        let node = nodes[0]
        names = people
        let names = (1...people).map { "user\($0)" }
        node.perform { [self] chat in
            do {
                try await putBalancerKey(chat)
                for name in names { accounts.append(try await makeAccount(name, chat)) }
                try await makeConversations(chat)
                for account in accounts { try await giveDevices(to: account, chat) }
                isSetUp = true
            } catch {
                problem("the play cannot be set up: \(error)")
            }
        }
    }

    /// Gives an account clients of some protocols.
    private func giveDevices(to account: Account, _ chat: Chat) async throws {
        if random.chance(60) { devices.append(SkaroDevice("\(account.login)/skaro", of: account, world: self)) }
        if random.chance(50) { devices.append(MessengerDevice("\(account.login)/messenger", of: account, world: self)) }
        if account.isFastChat {
            devices.append(FastChatDevice("\(account.login)/fastchat", of: account, world: self))
        }
        for number in 1...(random.chance(40) ? 2 : 1) {
            let device = MTPDevice("\(account.login)/mtp\(number)", of: account, world: self)
            device.isLoggedOut = true
            devices.append(device)
            try await logIn(device, chat)
        }
    }

    /// A new account is made at a node.
    func newPerson(at node: SimulatedNode) {
        names += 1
        let name = "user\(names)"
        trace("\(name) registers at \(node.name)")
        node.perform { [self] chat in
            do {
                let account = try await makeAccount(name, chat)
                accounts.append(account)
                try await giveDevices(to: account, chat)
                trace("\(name) is number \(account.id.rawValue)")
            } catch {
                trace("\(name): \(error)")
            }
        }
    }

    /// A new conversation is made at a node.
    func newConversation(at node: SimulatedNode) {
        let kind = random.chance(80) ? FlowRecord.Kind.group : .channel
        let members = accounts.filter { _ in random.chance(60) }
        guard let owner = members.first else { return }
        let isPublic = random.chance(15)
        trace("\(owner.login) makes a \(kind.rawValue) at \(node.name)")
        node.perform { [self] chat in
            do {
                try await make(kind, isPublic: isPublic, members: isPublic ? [owner] : members, chat)
            } catch {
                trace("\(owner.login) makes no \(kind.rawValue): \(error)")
            }
        }
    }

    /// Adds a conversation that was made.
    func add(_ conversation: Conversation, founders members: [Account]) {
        founders[ObjectIdentifier(conversation)] = members
        conversations.append(conversation)
    }

    /// Adds a group that a client has made.
    func addGroup(_ id: FlowID, of owner: Account) {
        let members = (try? LogLine.founders(in: database)[id.rawValue]) ?? []
        let group = Conversation(
            "fastchat\(id.rawValue)", .group, owner: owner, isPublic: false,
            members: accounts.filter { members.contains($0.id.rawValue) })
        group.id = id
        group.uuid = uuid(of: id)
        add(group, founders: group.members)
    }

    /// As the first balancer does.
    private func putBalancerKey(_ chat: Chat) async throws {
        var random = SecureRandom()
        let name = FastChatBalancer.keyName
        guard let sealer else { return }
        let sealed = try sealer.seal(
            Array(keys.balancer.pem.utf8), associatedData: Array("server \(name)".utf8), using: &random)
        _ = try await chat.storage.putServerKey(
            SealedKeyPair(publicKey: keys.balancer.publicKey.pem, sealedPrivateKey: sealed), name: name)
    }

    private func makeAccount(_ name: String, _ chat: Chat) async throws -> Account {
        let account = Account(name)
        var user = try await chat.newUser(login: Login(name), password: Password(Self.password))
        account.uuid = user.uuid
        account.isFastChat = random.chance(40)
        if account.isFastChat {
            user.key = NewKey(kind: FastChatService.name, publicKey: keys.reader.publicKey.pem)
        }
        account.id = try await chat.write(Write.CreateUser(user), by: nil).result
        // Drawn keys would differ in length each time.
        let pem = keys.balancer.pem
        if let sealer {
            var random = SecureRandom()
            let sealed = try sealer.seal(
                Array(pem.utf8), associatedData: Array("\(FastChatService.name) \(account.uuid)".utf8), using: &random)
            _ = try await calm.putBridgeKey(
                SealedKeyPair(publicKey: keys.balancer.publicKey.pem, sealedPrivateKey: sealed), of: account.id,
                kind: FastChatService.name)
        }
        return account
    }

    private func makeConversations(_ chat: Chat) async throws {
        try await make(.chat, isPublic: false, members: Array(accounts.prefix(2)), chat)
        try await make(.group, isPublic: false, members: accounts, chat)
        try await make(
            .group, isPublic: false, members: Array(accounts.suffix(max(2, accounts.count - 1))), chat)
        try await make(.channel, isPublic: false, members: accounts, chat)
        if random.chance(50) { try await make(.group, isPublic: true, members: [accounts[0]], chat) }
    }

    private func make(_ kind: FlowRecord.Kind, isPublic: Bool, members: [Account], _ chat: Chat) async throws {
        let conversation = Conversation(
            "\(kind.rawValue)\(conversations.count + 1)", kind, owner: members[0], isPublic: isPublic,
            members: isPublic ? [] : members)
        conversation.uuid = chat.newIdentifier()
        let flow = NewFlow(
            uuid: conversation.uuid, kind: kind, title: conversation.name, info: "", owner: members[0].id,
            isPublic: isPublic, members: isPublic ? [] : members.map(\.id))
        conversation.id = try await chat.write(Write.CreateFlow(flow), by: members[0].id).result
        add(conversation, founders: members)
    }

    /// Gives a device a new session.
    func logIn(_ device: Device, _ chat: Chat) async throws {
        guard let user = try await chat.storage.user(device.account.id) else { return }
        let logIn = try await chat.openSession(
            for: user, lifetimeSeconds: 1_000_000, from: Origin(protocol: "simulation", address: "192.0.2.1"))
        // Two may have been asked at the same time; the client goes by the first answer.
        guard device.isLoggedOut else { return }
        device.token = logIn.token
        device.session = logIn.principal.session
        device.isLoggedOut = false
        trace("\(device.name) has session \(logIn.principal.session.rawValue)")
    }
}
