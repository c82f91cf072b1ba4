// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Transport

/// What each request does on a connection.
extension MessengerSession {
    /// Does one request, and answers it unless it is a message that was taken.
    func perform(_ output: MessengerDecoder.Output) async {
        switch output {
        case .refusal(let refusal):
            await settle()
            await refuse(refusal.prefix, refusal.description)
        case .request(.signUp(let email, let login, let password)):
            understood()
            await settle()
            await answer(methods.signUp(email: email, login: login, password: password))
        case .request(.logIn(let login, let password)):
            understood()
            await settle()
            await logIn(login: login, password: password)
        case .request(.logOut(let key)):
            guard let holder = await holder(of: key, for: .logOut) else { return }
            await settle()
            await logOut(key, holder)
        case .request(.contacts(let key)):
            guard let holder = await holder(of: key, for: .contacts) else { return }
            await settle()
            for part in await methods.contacts(of: holder.principal) { await answer(part) }
        case .request(.addContact(let key, let login)):
            guard let holder = await holder(of: key, for: .addContact) else { return }
            await settle()
            await answer(methods.addContact(login: login, of: holder.principal))
        case .request(.send(let key, let recipient, let text)):
            guard let holder = await holder(of: key, for: .send) else { return }
            await send(text, to: recipient, by: holder.principal)
        }
    }

    /// Who holds a key that is good here; whoever does not is answered.
    private func holder(of key: MessengerKey, for code: MessengerCode) async -> MessengerHolder? {
        var holder: MessengerHolder?
        if let logIn, logIn.key.matches(key) {
            holder = MessengerHolder(principal: logIn.principal, token: logIn.token, session: self)
        } else if service.options.allowsKeyOnAnyConnection {
            holder = service.keys.holder(of: key)
        }
        if let known = holder {
            do {
                _ = try await service.chat.principal(uuid: known.principal.uuid, token: known.token)
                understood()
                connection?.setLoggedIn(true)
                return known
            } catch .tokenUnknown, .tokenExpired, .tokenRevoked, .accountDeleted {
                await known.session.leave(key)
            } catch {
                await settle()
                await answer(MessengerAnswer(error, to: code))
                return nil
            }
        }
        await settle()
        await refuse(code.rawValue, "nobody holds the key")
        return nil
    }

    private func logIn(login: String, password: String) async {
        do throws(ChatError) {
            let new = try await methods.logIn(login: login, password: password)
            if let old = leave() { await methods.end(old) }
            do throws(ChatError) {
                let position = try await service.chat.startPosition(of: MessengerService.name, for: new.principal)
                guard connection != nil else { return await methods.end(new.principal) }
                let key = enter(new, at: position)
                try await service.chat.watchContacts(self, of: new.principal)
                // Revoked before the hub knew the connection: nobody would tell it.
                _ = try await service.chat.principal(uuid: new.principal.uuid, token: .init(of: new.token))
                guard connection != nil else {
                    _ = leave()
                    return
                }
                await answer(.loggedIn(key))
                entered()
            } catch {
                _ = leave()
                await methods.end(new.principal)
                throw error
            }
        } catch {
            await answer(MessengerAnswer(error, to: .logIn))
        }
    }

    private func logOut(_ key: MessengerKey, _ holder: MessengerHolder) async {
        service.keys.withdraw(key)
        await holder.session.leave(key)
        await methods.end(holder.principal)
        await answer(.loggedOut)
    }

    private func send(_ text: String, to recipient: MessengerRecipient, by principal: Principal) async {
        // An empty message is nothing that anybody could see.
        guard !text.isEmpty else { return }
        do {
            sends.append(try await methods.submit(text, to: recipient, by: principal))
        } catch {
            await settle()
            await answer(MessengerAnswer(error, to: .send))
        }
    }
}
