// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import NIOCore
import NIOHTTP1

/// Where requests come from, behind proxies too, and from which pages.
extension HTTPConnectionHandler {
    func peer(_ context: ChannelHandlerContext) -> SocketAddress? {
        self.proxiedPeer ?? context.channel.remoteAddress
    }

    func isOriginAllowed(_ head: HTTPRequestHead, context: ChannelHandlerContext) -> Bool {
        let proxies = self.settings.options.proxies
        let peer = self.peer(context)
        let localAddress = context.channel.localAddress.flatMap { IPAddress($0) }
        return self.settings.options.origins.allows(
            head.headers,
            scheme: proxies.scheme(of: head.headers, peer: peer) ?? (self.isSecure ? "https" : "http"),
            isPrivate: localAddress?.isLoopback == true && self.proxiedPeer == nil && !proxies.contains(peer)
        )
    }

    /// Names the client in the one header by which what serves requests knows it.
    func withClient(_ head: HTTPRequestHead, context: ChannelHandlerContext) -> HTTPRequestHead {
        let proxies = self.settings.options.proxies
        let client = proxies.client(of: head.headers, peer: self.peer(context))
        var head = head
        head.headers.remove(name: TrustedProxies.Header.forwarded.rawValue)
        head.headers.replaceOrAdd(
            name: TrustedProxies.Header.xForwardedFor.rawValue, value: client?.ipAddress ?? "unknown")
        return head
    }
}
