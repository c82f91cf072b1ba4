// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import TestClient

/// One WebSocket to a server, with a time limit on every answer.
struct ServerConnection: Sendable {
    /// An answer as it came, and what it says.
    struct Answer: Sendable {
        /// The frame.
        var bytes: [UInt8]
        /// The frame as JSON; `nil` when it is none.
        var json: JSONValue?
        /// Time from sending to receiving.
        var duration: Duration

        /// The frame as an answer of the protocol; `nil` when it is none.
        var response: MTPResponse? {
            bytes.withUnsafeBytes { try? MTPResponse(decoding: $0) }
        }

        /// What a command ends with after this answer.
        var status: CommandStatus {
            switch response?.code {
            case .some(200..<300): .done
            case 401, 403: .refused
            case 404: .notFound
            case 409: .exists
            default: .failed
            }
        }
    }

    /// Where the server is, for people.
    let address: String
    private let socket: WebSocketClient
    private let timeout: Duration

    /// Connects, calls `body`, and closes the connection.
    static func run<Value: Sendable>(
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
    func answer(to frame: [UInt8]) async throws -> Answer {
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
    func answer(to request: MTPRequest) async throws -> Answer {
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
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask(operation: body)
            group.addTask { [address, timeout] in
                try await Task.sleep(for: timeout)
                throw ClientError.timedOut(address: address)
            }
            defer { group.cancelAll() }
            do {
                guard let value = try await group.next() else { throw CancellationError() }
                return value
            } catch {
                // A send that cannot go on does not notice that it was cancelled, but it ends with the connection.
                await socket.abort()
                throw error
            }
        }
    }
}

extension ClientError: CommandErrorConvertible {
    /// Ends with 69 when there was no connection, 64 for a wrong address, 130 when interrupted, otherwise with 1.
    package var commandError: CommandError {
        switch self {
        case .invalidURL:
            CommandError(.usage, description, nextStep: "Write it like ws://127.0.0.1:8080/ws.")
        case .refused:
            CommandError(.unavailable, description, nextStep: "Start the server with 'manage runserver'.")
        case .unreachable, .timedOut:
            CommandError(
                .unavailable, description, nextStep: "Check the address, and the server with 'manage doctor'.")
        case .tls:
            CommandError(
                .unavailable, description,
                nextStep: "Trust the server's authority with --ca-file PATH, or use ws:// for a server without TLS.")
        case .handshakeRefused(let status, _):
            CommandError(
                status == 503 ? .unavailable : .failed, description,
                nextStep: status == 404 ? "The protocol is served at /ws." : nil)
        case .closed(.abnormal):
            CommandError(
                .unavailable, "The server closed the connection.",
                nextStep: "If it uses TLS, write wss:// or tls://; otherwise see its log.")
        case .closed: CommandError(.unavailable, description, nextStep: "See the server's log for the reason.")
        case .messageTooLarge, .protocolViolation: CommandError(.failed, description)
        case .cancelled: CommandError(.interrupted, "Interrupted.")
        }
    }
}
