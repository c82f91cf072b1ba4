// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Accounts and conversations come and go.
extension Play {
    func changePeople() {
        guard !Self.leavesOut("accounts"), let node = random.pick(world.serving) else { return }
        if random.chance(60) {
            guard world.accounts.count < 8 else { return }
            world.trace.count(.people)
            return world.newPerson(at: node)
        }
        // Some stay to talk with each other.
        let account = random.pick(world.accounts.dropFirst(2).filter { !$0.mayBeDeleted })
        guard let account else { return }
        account.mayBeDeleted = true
        world.trace.count(.accountDeletions)
        world.trace("\(account.login) is to be deleted, says \(node.name)")
        node.perform { [world] chat in
            do {
                let receipt = try await chat.write(Write.DeleteUser(account.id), by: nil)
                world.trace("\(account.login) is deleted at \(receipt.position.rawValue)")
                world.deletedAccounts[account.id.rawValue] = .init(
                    position: receipt.position, time: world.scheduler.now, node: node)
            } catch {
                world.trace("\(account.login): \(error)")
            }
        }
    }

    func changeConversations() {
        guard !Self.leavesOut("flows"), let node = random.pick(world.serving) else { return }
        if random.chance(60) {
            guard world.conversations.count < 12 else { return }
            let clients = world.devices.filter(\.isReady).compactMap { $0 as? FastChatDevice }
            if random.chance(50), let client = random.pick(clients) {
                world.trace.count(.clientsGroups)
                client.makeGroup(of: world.accounts.filter { $0 !== client.account && random.chance(60) })
            } else {
                world.trace.count(.conversations)
                world.newConversation(at: node)
            }
            return
        }
        // The first three stay.
        guard let conversation = random.pick(world.conversations.dropFirst(3)) else { return }
        world.conversations.removeAll { $0 === conversation }
        world.formerConversations.append(conversation)
        world.trace.count(.conversationDeletions)
        world.trace("\(conversation.name) is to be deleted, says \(node.name)")
        let purges = random.chance(50)
        if purges { world.trace.count(.purges) }
        node.perform { [world] chat in
            do {
                let receipt = try await chat.write(Write.DeleteFlow(conversation.id), by: nil)
                world.trace("\(conversation.name) is deleted at \(receipt.position.rawValue)")
                world.deletedFlows[conversation.id.rawValue] = .init(
                    position: receipt.position, time: world.scheduler.now, node: node)
                while purges, try await !chat.storage.purgeDeletedFlows(limit: 3) {}
            } catch {
                world.trace("\(conversation.name): \(error)")
            }
        }
    }
}
