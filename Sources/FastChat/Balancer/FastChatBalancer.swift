// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Chat
import Credentials
package import Logging
import NIOCore
import Synchronization
package import Transport

/// What FastChat's clients connect to first: it names each its server, signed, and closes.
package final class FastChatBalancer: Sendable {
    /// The protocol's name in the list of servers.
    package static let endpointName = "fastchat"
    /// The name of the key pair that signs, which all servers of a store share.
    package static let keyName = "balancer"
    /// How many connections may be open at the same time; each lasts as long as it takes to send one unit.
    private static let maximumConnections = 4096
    /// How many signed answers are kept: one for each server there is.
    private static let maximumAnswers = 1000

    private let nodes: NodeBalancer
    private let chat: Chat
    private let logger: Logger
    private let answers = Mutex<[String: ByteBuffer]>([:])

    /// A balancer that sends clients to the servers of a list.
    package init(nodes: NodeBalancer, chat: Chat, logger: Logger) {
        self.nodes = nodes
        self.chat = chat
        self.logger = logger
    }

    /// How its connections are treated: the server speaks first, and a client that does not read is cut.
    package static var streamOptions: StreamOptions {
        var options = StreamOptions()
        options.firstBytesTimeout = nil
        options.maximumConnections = maximumConnections
        return options
    }

    /// Makes the key pair when there is none, and sees whether it can be used.
    ///
    /// - Throws: `.internalFailure` when the key file is not the one that sealed it.
    package func prepare() async throws(ChatError) {
        _ = try await chat.serverKey(Self.keyName)
    }

    /// The session of one connection.
    package func makeSession(_ peer: StreamPeer) -> any StreamSession {
        FastChatBalancerSession(balancer: self)
    }

    /// The unit for one client more; `nil` when there is no server, or no key.
    func assignment() async -> ByteBuffer? {
        guard let node = await nodes.next(offering: Self.endpointName),
            let place = node.place(of: Self.endpointName)
        else {
            logger.warning("A FastChat client asked for a server, and there is none to name")
            return nil
        }
        let text = FastChatAssignment.signedText(host: place.host, port: place.port)
        let key = "\(place.port) \(place.host)"
        if let known = answers.withLock({ $0[key] }) { return known }
        do {
            let sign = try await chat.serverKey(Self.keyName).signature(of: text)
            let answer = ByteBuffer(
                bytes: FastChatAssignment(host: place.host, port: place.port, sign: sign).encoded())
            answers.withLock { answers in
                if answers.count >= Self.maximumAnswers { answers.removeAll() }
                answers[key] = answer
            }
            return answer
        } catch {
            // What failed is in the log already, from where it failed.
            logger.error("The balancer cannot sign: the servers' key cannot be read, or not opened with the key file")
            return nil
        }
    }
}

/// One client that asks for its server.
///
/// Everything is touched on the connection's event loop only; the task hands its result back to it. Hence
/// `@unchecked Sendable`.
final class FastChatBalancerSession: StreamSession, @unchecked Sendable {
    private let balancer: FastChatBalancer
    private var connection: StreamConnection?

    init(balancer: FastChatBalancer) {
        self.balancer = balancer
    }

    func opened(_ connection: StreamConnection) {
        self.connection = connection
        // Not on the loop: a new address costs a signature.
        Task { [balancer] in
            let unit = await balancer.assignment()
            connection.eventLoop.execute {
                if let unit { connection.write(unit: unit) }
                connection.flush()
                connection.close()
            }
        }
    }

    /// Clients have nothing to say here.
    func received(_ bytes: ByteBuffer) {}

    /// Some close their direction at once; the answer leaves all the same.
    func inputEnded(_ connection: StreamConnection) {}

    func drain() {
        connection?.close()
    }

    func closed() {
        connection = nil
    }
}
