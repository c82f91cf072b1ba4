// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import FastChat
import Logging
import MTP
import Messenger
import Settings
import Skaro
import Transport

extension ParleyServer {
    /// What is served over WebSocket, on the address of `[SERVER]`.
    func webSocketRoutes(chat: Chat, registry: ConnectionRegistry) -> [WebSocketRoute] {
        var routes = [mtp(chat: chat, registry: registry).route]
        if settings.skaro.isEnabled { routes.append(skaro(chat: chat, registry: registry).route) }
        return routes
    }

    /// What says that the server is in maintenance, instead of being served: the same, and the chat for browsers.
    var closedPaths: [String] {
        guard options.mode == .maintenance, options.servesWebSockets else { return [] }
        return [MTPService.path] + (settings.skaro.isEnabled ? [SkaroService.path] : [])
            + (settings.server.hasWebChat ? ["/chat"] : [])
    }

    /// What a route is called for people; in the list of servers in lower case.
    static func title(ofPath path: String) -> String {
        switch path {
        case MTPService.path: "MTP"
        default: String(path.drop { $0 == "/" })
        }
    }

    /// What is served on TCP ports of its own.
    func streamEndpoints(chat: Chat, registry: ConnectionRegistry, nodes: NodeBalancer) -> [StreamEndpoint] {
        var endpoints: [StreamEndpoint] = []
        if settings.messenger.isEnabled { endpoints.append(messenger(chat: chat, registry: registry)) }
        if settings.fastChat.isEnabled, let endpoint = fastChat(chat: chat, registry: registry) {
            endpoints.append(endpoint)
        }
        if let address = settings.balancer.listen {
            let balancer = FastChatBalancer(nodes: nodes, chat: chat, logger: logger)
            endpoints.append(
                StreamEndpoint(
                    balancer: balancer, address: address, trust: live.proxies,
                    sendsProxyHeader: settings.balancer.readsProxyHeader))
        }
        return endpoints
    }

    // MARK: Each protocol with its settings

    private func mtp(chat: Chat, registry: ConnectionRegistry) -> MTPService {
        var options = MTPService.Options()
        options.messagesPerAnswer = settings.limits.messages
        options.usersPerAnswer = settings.limits.users
        options.frameBytes = settings.limits.frameBytes
        options.requestsInFlight = settings.limits.requests
        let versions = settings.apiVersions
        if let oldest = MTPVersion(versions.lowerBound.description),
            let newest = MTPVersion(versions.upperBound.description), oldest <= newest
        {
            options.versions = oldest...newest
        }
        return MTPService(chat: chat, options: options, registry: registry, logger: logger)
    }

    private func skaro(chat: Chat, registry: ConnectionRegistry) -> SkaroService {
        var options = SkaroService.Options()
        options.messagesPerAnswer = settings.limits.messages
        options.frameBytes = settings.limits.frameBytes
        options.requestsInFlight = settings.limits.requests
        options.restoreSeconds = settings.skaro.restoreTime.components.seconds
        return SkaroService(chat: chat, options: options, registry: registry, logger: logger)
    }

    private func messenger(chat: Chat, registry: ConnectionRegistry) -> StreamEndpoint {
        let section = settings.messenger
        var options = MessengerService.Options()
        options.gatherTime = section.gatherTime
        options.spacing = section.spacing
        options.allowsKeyOnAnyConnection = section.allowsKeyOnAnyConnection
        options.maximumBytes = section.maximumBytes
        options.outboundBytes = settings.limits.outboundBytes
        let service = MessengerService(chat: chat, options: options, registry: registry, logger: logger)
        var streamOptions = service.streamOptions
        streamOptions.proxies = TrustedProxies(trust: live.proxies, sendsProxyHeader: section.readsProxyHeader)
        return StreamEndpoint(
            section: "MESSENGER", title: "messenger", address: section.address, usesTLS: section.usesTLS,
            options: streamOptions, makeSession: { service.makeSession($0) },
            endpoint: MessengerService.name, port: BoundPort(section.address.port))
    }

    /// `nil` when no client could be told where it is.
    private func fastChat(chat: Chat, registry: ConnectionRegistry) -> StreamEndpoint? {
        let section = settings.fastChat
        let port = BoundPort(section.address.port)
        guard section.advertisedAddress(boundPort: port.value) != nil else {
            logger.warning("FastChat clients are not served: [FASTCHAT] ADVERTISE does not say which address they use")
            return nil
        }
        var options = FastChatService.Options()
        options.isBridged = section.isBridged
        options.spacing = section.spacing
        options.outboundBytes = settings.limits.outboundBytes
        options.logInTimeout = settings.limits.logInTimeout
        options.address = {
            section.advertisedAddress(boundPort: port.value).map { ($0.host, $0.port) }
        }
        let service = FastChatService(chat: chat, options: options, registry: registry, logger: logger)
        var streamOptions = service.streamOptions
        streamOptions.proxies = TrustedProxies(trust: live.proxies, sendsProxyHeader: section.readsProxyHeader)
        return StreamEndpoint(
            section: "FASTCHAT", title: "FastChat", address: section.address, usesTLS: section.usesTLS,
            options: streamOptions, makeSession: { service.makeSession($0) },
            endpoint: FastChatBalancer.endpointName, reached: { section.advertisedAddress(boundPort: $0) }, port: port)
    }
}

extension StreamEndpoint {
    /// The balancer of FastChat's clients.
    init(balancer: FastChatBalancer, address: NetworkAddress, trust: ProxyTrust, sendsProxyHeader: Bool) {
        var options = FastChatBalancer.streamOptions
        options.proxies = TrustedProxies(trust: trust, sendsProxyHeader: sendsProxyHeader)
        self.init(
            section: "BALANCER", title: "Balancer", address: address, usesTLS: false, options: options,
            makeSession: { balancer.makeSession($0) },
            port: BoundPort(address.port), hasClients: false)
    }
}

extension NodeChooser.Algorithm {
    /// What `[BALANCER] ALGORITHM` says.
    init(_ algorithm: Settings.Balancer.Algorithm) {
        switch algorithm {
        case .roundRobin: self = .roundRobin
        case .minimumConnect: self = .minimumConnect
        case .random: self = .random
        }
    }
}

extension Settings {
    /// Where trusted proxies name the client of a request.
    var forwardedHeader: TrustedProxies.Header {
        TrustedProxies.Header(rawValue: server.forwardedHeader) ?? .xForwardedFor
    }
}
