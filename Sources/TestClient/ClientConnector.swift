// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Opens the connection below WebSocket and HTTP, and puts what can go wrong there into words.
struct ClientConnector: Sendable {
    var address: ClientAddress
    var options: ClientOptions

    /// Connects, adds TLS where the address asks for it, then calls `setup` on the event loop, which adds its handlers
    /// and answers with the future of what it makes.
    ///
    /// One timeout covers all of it.
    func connect<Product: Sendable>(
        setup: @escaping @Sendable (any Channel, ConnectionNotes) throws -> EventLoopFuture<Product>
    ) async throws(ClientError) -> Product {
        let context = address.isSecure ? try options.tlsContext() : nil
        let notes = ConnectionNotes()
        let limit = TimeAmount(options.timeout)
        let host = address.host
        do {
            let product = try await ClientBootstrap(group: options.group)
                .connectTimeout(limit)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let context {
                            let name = Self.isNumeric(host) ? nil : host
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: context, serverHostname: name))
                        }
                        let product = try setup(channel, notes)
                        let timer = channel.eventLoop.scheduleTask(in: limit) {
                            notes.isTimedOut = true
                            channel.close(promise: nil)
                        }
                        product.whenComplete { result in
                            timer.cancel()
                            if case .failure = result { channel.close(promise: nil) }
                        }
                        return product
                    }
                }
            return try await product.get()
        } catch {
            throw translate(error, notes)
        }
    }

    private func translate(_ error: any Error, _ notes: ConnectionNotes) -> ClientError {
        let place = address.hostAndPort
        if notes.isTimedOut { return .timedOut(address: place, after: options.timeout) }
        switch notes.firstError ?? error {
        case let error as ClientError: return error
        case let error as NIOSSLError: return .tls(reason: TLSReason.words(for: error))
        case let error as BoringSSLError: return .tls(reason: TLSReason.words(for: error))
        case let error as NIOSSLExtraError: return .tls(reason: TLSReason.words(for: error))
        case is NIOHTTPClientUpgradeError:
            return .protocolViolation("its answer to the upgrade does not fit the request")
        case ChannelError.connectTimeout: return .timedOut(address: place, after: options.timeout)
        case let error as NIOConnectionError:
            let causes = error.connectionErrors.map(\.error)
            if causes.contains(where: { ($0 as? IOError)?.errnoCode == ECONNREFUSED }) {
                return .refused(address: place)
            }
            if causes.contains(where: { if case ChannelError.connectTimeout = $0 { true } else { false } }) {
                return .timedOut(address: place, after: options.timeout)
            }
            if let cause = causes.first { return .unreachable(address: place, reason: Self.words(for: cause)) }
            return .unreachable(address: place, reason: "the name is not known")
        case is ChannelError:
            return address.isSecure
                ? .tls(reason: "the connection ended during the handshake") : .closed(.abnormal)
        case let error: return .unreachable(address: place, reason: Self.words(for: error))
        }
    }

    private static func words(for error: any Error) -> String {
        if error is SocketAddressError { return "the name is not known" }
        guard let error = error as? IOError, let text = strerror(error.errnoCode) else {
            return "the connection could not be made"
        }
        return String(cString: text)
    }

    private static func isNumeric(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }
}
