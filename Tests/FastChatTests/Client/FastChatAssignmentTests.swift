// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Credentials
import FastChat
import Logging
import NIOCore
import ServiceLifecycle
import TestClient
import TestSupport
import Testing
import Transport

/// What the client makes of a balancer's answer.
@Suite(.timeLimit(.minutes(10))) struct FastChatAssignmentTests {
    /// Says one thing and closes.
    private final class Herald: StreamSession {
        private let words: [UInt8]

        init(_ words: [UInt8]) {
            self.words = words
        }

        func opened(_ connection: StreamConnection) {
            connection.write(unit: ByteBuffer(bytes: words))
            connection.close()
        }

        func received(_ bytes: ByteBuffer) {}
        func drain() {}
        func closed() {}
    }

    /// Asks a balancer that says `words`.
    private func ask(
        _ words: [UInt8], verifying key: RSAPublicKey? = nil
    ) async throws -> FastChatAssignment {
        let group = ClientOptions().group
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let ports = Announced<Int>()
        let listener = try Listener(
            address: ListenerAddress(host: "127.0.0.1", port: 0), options: FastChatBalancer.streamOptions,
            registry: ConnectionRegistry(group: group), group: group, drainTimeout: .seconds(5), logger: logger,
            makeSession: { _ in Herald(words) }, onRunning: { ports.announce($0.localAddress?.port ?? 0) })
        var answer: FastChatAssignment?
        try await withServices([listener], announced: ports) { port, _ in
            answer = try await FastChatClient.assignment(host: "127.0.0.1", port: port, verifying: key)
        }
        return try #require(answer)
    }

    @Test func signedAnswersAreTaken() async throws {
        let key = try RSAPrivateKey(newBits: 1024)
        let sign = try key.signature(of: FastChatAssignment.signedText(host: "192.0.2.7", port: 8010))
        let assignment = FastChatAssignment(host: "192.0.2.7", port: 8010, sign: sign)

        let verified = try await ask(assignment.encoded(), verifying: key.publicKey)
        let believed = try await ask(FastChatAssignment(host: "192.0.2.7", port: 8010, sign: "none").encoded())

        #expect(verified == assignment)
        #expect(believed.port == 8010)
    }

    @Test func answersForAnotherAddressAreNot() async throws {
        let key = try RSAPrivateKey(newBits: 1024)
        let sign = try key.signature(of: FastChatAssignment.signedText(host: "192.0.2.7", port: 8010))
        let forged = FastChatAssignment(host: "192.0.2.8", port: 8010, sign: sign)

        await #expect(throws: FastChatClientFailure.wrongSignature) {
            try await ask(forged.encoded(), verifying: key.publicKey)
        }
    }

    @Test func noAnswerAndNonsenseAreFailures() async throws {
        await #expect(throws: FastChatClientFailure.noServer) { try await ask([]) }
        await #expect(throws: ClientError.self) { try await ask(Array("{\"server_ip\":1}".utf8)) }
    }
}
