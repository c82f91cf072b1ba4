// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
package import Storage
import Synchronization
import TestSupport

/// A sink that writes down what it is told, for a test to wait for.
package final class RecordingSink: EventSink {
    package enum Call: Equatable {
        /// The texts of a run and the connections that get it.
        case run([String], to: Set<UInt64>)
        /// The texts of changed messages, the title of a changed flow, the logins of changed accounts.
        case change([String], to: Set<UInt64>)
        case hint(Set<UInt64>)
    }

    package let showsAccounts: Bool
    private let calls: AsyncStream<Call>
    private let called: AsyncStream<Call>.Continuation
    private let runs = Mutex<[LiveRun]>([])

    package init(showsAccounts: Bool = false) {
        self.showsAccounts = showsAccounts
        (calls, called) = AsyncStream.makeStream()
    }

    package func deliver(_ run: LiveRun, to connections: [UInt64]) {
        runs.withLock { $0.append(run) }
        called.yield(.run(run.messages.map(\.content.text), to: Set(connections)))
    }

    package func deliver(_ change: LiveChange, to connections: [UInt64]) {
        let texts =
            switch change.content {
            case .messages(let messages): messages.map(\.content.text)
            case .flow(let flow): [flow.record.title]
            case .accounts(let accounts): accounts.map(\.login)
            case .nothing: [String]()
            }
        called.yield(.change(texts, to: Set(connections)))
    }

    package func hint(_ connections: [UInt64]) {
        called.yield(.hint(Set(connections)))
    }

    /// Every run so far.
    package var allRuns: [LiveRun] { runs.withLock { $0 } }

    /// Waits for the next call.
    package func next() async -> Call? {
        for await call in calls { return call }
        return nil
    }

    /// Waits for the next calls.
    package func next(_ count: Int) async -> [Call] {
        var found: [Call] = []
        while found.count < count, let call = await next() { found.append(call) }
        return found
    }

    /// The calls up to the run with this text, which must come.
    package func calls(upTo text: String) async -> [Call] {
        var found: [Call] = []
        while let call = await next() {
            found.append(call)
            if case .run(let texts, _) = call, texts.contains(text) { break }
        }
        return found
    }

    /// The runs up to the one with this text, without the hints.
    package func runs(upTo text: String) async -> [Call] {
        await calls(upTo: text).filter { if case .run = $0 { true } else { false } }
    }
}

/// A live connection that writes down what it is told; without a sink of its own every run is a hint.
package final class RecordingConnection: LiveConnection {
    package let address: DeliveryAddress
    package let watchesContacts: Bool
    private let changes: AsyncStream<[WatchedChange]>
    private let changed: AsyncStream<[WatchedChange]>.Continuation
    private let hints: AsyncStream<Void>
    private let revocations: AsyncStream<Void>
    private let told: AsyncStream<Void>.Continuation
    private let count = Tally()
    private let sessions = Mutex<[SessionID]>([])

    package init(_ sink: RecordingSink? = nil, _ number: UInt64 = 0, watchesContacts: Bool = false) {
        self.watchesContacts = watchesContacts
        (changes, changed) = AsyncStream.makeStream()
        let (hints, hinted) = AsyncStream.makeStream(of: Void.self)
        self.hints = hints
        let count = count
        address =
            sink.map { DeliveryAddress(sink: $0, connection: number) }
            ?? NewsSink.address {
                count.increment()
                hinted.yield()
            }
        (revocations, told) = AsyncStream.makeStream()
    }

    package func watchedChanged(_ changes: [WatchedChange]) { changed.yield(changes) }
    package func sessionRevoked(_ session: SessionID) {
        sessions.withLock { $0.append(session) }
        told.yield()
    }

    /// The sessions that it was told the end of.
    package var revoked: [SessionID] { sessions.withLock { $0 } }

    /// How often it was told to read.
    package var hintCount: Int { count.value }

    package func hint() async {
        for await _ in hints { return }
    }

    package func revocation() async {
        for await _ in revocations { return }
    }

    /// What it is told of next, as texts such as `bob online`, in the order of the logins.
    package func nextChanges() async -> [String] {
        for await list in changes {
            return list.map {
                "\($0.person.login) \($0.isOnline ? "online" : "offline")\($0.isProfile ? " changed" : "")"
            }
            .sorted()
        }
        return []
    }
}

extension ChatUnderTest {
    /// Waits until everything that was committed so far has been delivered: connections that come now get none of it.
    ///
    /// Without a `server` it is that of `chat`.
    package func settled(at server: Chat? = nil) async throws {
        let server = server ?? chat
        let witness = try await server.register(
            login: "witness \(server.newIdentifier())", password: Password("secret"), username: nil, email: nil,
            from: Self.origin
        ).principal
        let flow = try await server.createGroup(title: "", members: [], by: witness)
        let sink = RecordingSink()
        let connection = RecordingConnection(sink)
        server.hub.attach(connection, principal: witness, wantsNews: true)
        _ = try await server.receipt(
            of: server.submit(MessageContent(text: "settled"), to: flow.uuid, by: witness))
        _ = await sink.calls(upTo: "settled")
        server.hub.detach(connection)
    }
}
