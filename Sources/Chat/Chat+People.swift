// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Storage

/// A person in a list of contacts.
package struct Contact: Sendable, Equatable {
    package var person: Person
    /// Whether they have a device connected.
    package var isOnline: Bool
}

extension Chat {
    /// How many people a list of contacts has at most.
    private static let maximumContacts = 10_000
    /// How many people a search shows.
    private static let maximumFound = 100

    /// The principal's contacts, the oldest account first.
    package func contacts(of principal: Principal) async throws(ChatError) -> [Contact] {
        try admit(.read, by: principal)
        let records = try await reading { try await storage.contacts(of: principal.user, limit: Self.maximumContacts) }
        return records.filter { !$0.isHidden }.map { contact(Person($0)) }
    }

    /// Puts an account into the principal's list; one that is there already stays.
    ///
    /// - Throws: `.noSuchUser`; `.notAllowed` for oneself and for a list that is full.
    package func addContact(login: String, of principal: Principal) async throws(ChatError) -> Contact {
        try admit(.write, by: principal)
        let person = try await person(login: login)
        guard person.id != principal.user else { throw .notAllowed("You are not a contact of your own.") }
        let count = try await reading { try await storage.contactIDs(of: principal.user) }.count
        guard count < Self.maximumContacts else {
            throw .notAllowed("A list of contacts has at most \(Self.maximumContacts) people.")
        }
        _ = try await write(Write.AddContact(principal.user, person.id), by: principal)
        return contact(person)
    }

    /// Takes an account out of the principal's list; one that is not in it is no error.
    ///
    /// - Throws: `.noSuchUser`.
    package func removeContact(login: String, of principal: Principal) async throws(ChatError) -> Contact {
        try admit(.write, by: principal)
        let person = try await person(login: login)
        _ = try await write(Write.RemoveContact(principal.user, person.id), by: principal)
        return contact(person)
    }

    /// People whose login contains a text, the shortest login first; at most 100.
    package func search(login text: String, for principal: Principal) async throws(ChatError) -> [Contact] {
        try admit(.read, by: principal)
        guard !text.isEmpty else { return [] }
        let key = Login.key(of: text)
        return try await reading {
            try await storage.users(loginContaining: key, limit: Self.maximumFound)
        }.map { contact(Person($0)) }
    }

    /// Tells a connection of its account's contacts from now on.
    package func watchContacts(_ connection: any LiveConnection, of principal: Principal) async throws(ChatError) {
        let contacts = try await reading { try await storage.contactIDs(of: principal.user) }
        presence.watch(connection, contacts)
    }

    private func contact(_ person: Person) -> Contact {
        Contact(person: person, isOnline: isOnline(person.id))
    }
}
