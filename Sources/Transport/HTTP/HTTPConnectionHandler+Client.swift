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
        let localAddress = context.channel.localAddress.flatMap { IPAddress($0) }
        return self.settings.options.origins.allows(
            head.headers,
            scheme: self.scheme(of: head, context: context),
            isPrivate: localAddress?.isLoopback == true && self.proxiedPeer == nil
                && !proxies.contains(self.peer(context))
        )
    }

    /// What the client speaks with this server, or with the trusted proxy in front of it: `http` or `https`.
    private func scheme(of head: HTTPRequestHead, context: ChannelHandlerContext) -> String {
        self.settings.options.proxies.scheme(of: head.headers, peer: self.peer(context))
            ?? (self.isSecure ? "https" : "http")
    }

    /// Names the client and how it came in the two headers by which what serves requests knows them.
    func withClient(_ head: HTTPRequestHead, context: ChannelHandlerContext) -> HTTPRequestHead {
        let proxies = self.settings.options.proxies
        let client = proxies.client(of: head.headers, peer: self.peer(context))
        let original = head
        var head = head
        head.headers.remove(name: TrustedProxies.Header.forwarded.rawValue)
        head.headers.replaceOrAdd(
            name: TrustedProxies.Header.xForwardedFor.rawValue, value: client?.ipAddress ?? "unknown")
        head.headers.replaceOrAdd(name: "X-Forwarded-Proto", value: self.scheme(of: original, context: context))
        return head
    }
}
