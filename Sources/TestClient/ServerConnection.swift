// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import JSON
package import MTP
import NIOCore

/// One WebSocket to a server, with a time limit on every answer.
package struct ServerConnection: Sendable {
    /// An answer as it came, and what it says.
    package struct Answer: Sendable {
        /// The frame as it arrived, whether it can be decoded or not.
        package var bytes: [UInt8]
        /// The frame as JSON; `nil` when it is none.
        package var json: JSONValue?
        /// Time from sending to receiving.
        package var duration: Duration

        /// The frame as an answer of the protocol; `nil` when it is none.
        package var response: MTPResponse? {
            bytes.withUnsafeBytes { try? MTPResponse(decoding: $0) }
        }
    }

    /// Where the server is, for people.
    package let address: String
    private let socket: WebSocketClient
    private let timeout: Duration

    /// Connects, calls `body`, and closes the connection.
    package static func run<Value: Sendable>(
        url: String, options: ClientOptions, _ body: (ServerConnection) async throws -> Value
    ) async throws -> Value {
        let socket = try await WebSocketClient.connect(url: url, options: options)
        let connection = ServerConnection(address: url, socket: socket, timeout: options.timeout)
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await socket.abort()
            throw error
        }
    }

    /// Sends a frame and waits for the answer to it; pushes are passed over.
    package func answer(to frame: [UInt8]) async throws -> Answer {
        let clock = ContinuousClock()
        let start = clock.now
        return try await limited { [socket] in
            try await socket.send(text: frame)
            while true {
                guard let bytes = try await socket.receive() else {
                    throw ClientError.closed(socket.closure ?? .abnormal)
                }
                let json = try? JSONValue.parse(bytes)
                if json?["meta"]?["push"]?.bool == true { continue }
                return Answer(bytes: bytes, json: json, duration: start.duration(to: clock.now))
            }
        }
    }

    /// Sends a request and waits for its answer.
    package func answer(to request: MTPRequest) async throws -> Answer {
        try await answer(to: request.encoded())
    }

    /// Ends the connection properly, or after the time limit at once.
    private func close() async {
        do {
            try await limited { [socket] in _ = await socket.close() }
        } catch {
            await socket.abort()
        }
    }

    private func limited<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        // A send that cannot go on does not notice that it was cancelled, but it ends with the connection.
        try await answered(within: timeout, by: address, giveUp: { [socket] in await socket.abort() }, body)
    }
}
