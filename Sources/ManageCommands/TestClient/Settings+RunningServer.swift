// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Operations
import Settings

extension Settings {
    /// The settings with the addresses at which a running server listens in place of those that they name.
    func following(_ listeners: [ServerListener]) -> Settings {
        guard !listeners.isEmpty else { return self }
        var result = self
        let byProtocol = Dictionary(listeners.map { ($0.protocol, $0) }, uniquingKeysWith: { first, _ in first })
        func address(_ listener: ServerListener) -> NetworkAddress {
            NetworkAddress(host: listener.host, port: listener.port)
        }
        if let mtp = byProtocol["mtp"] {
            result.server.host = mtp.host
            result.server.port = mtp.port
            // Only whether there is one matters to a client.
            result.tls.certificateFile = mtp.isSecure ? tls.certificateFile ?? "" : nil
        }
        result.skaro.isEnabled = byProtocol["skaro"] != nil
        result.messenger.isEnabled = byProtocol["messenger"] != nil
        result.fastChat.isEnabled = byProtocol["fastchat"] != nil
        if let messenger = byProtocol["messenger"] {
            result.messenger.address = address(messenger)
            result.messenger.usesTLS = messenger.isSecure
        }
        if let fastChat = byProtocol["fastchat"] {
            result.fastChat.address = address(fastChat)
            result.fastChat.usesTLS = fastChat.isSecure
        }
        result.balancer.listen = byProtocol["balancer"].map(address)
        return result
    }
}
