// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import ParleyServer
import Settings

extension PassedSockets {
    /// The addresses of the sockets as settings that go before the others, and a warning for each that says something
    /// else.
    ///
    /// The settings decide by the address what is safe there, such as passwords in clear: it must be the one that is
    /// listened on.
    func overrides(of settings: Settings) -> (values: [SettingKey: String], warnings: [String]) {
        var values: [SettingKey: String] = [:]
        var warnings: [String] = []
        for name in names {
            guard var place = address(of: name) else { continue }
            let socket = place
            let written = settings.address(of: name)
            if let written, Self.host(written.host, standsFor: socket.host) { place.host = written.host }
            switch name {
            case .server: (values[.serverHost], values[.serverPort]) = (place.host, "\(place.port)")
            case .messenger: (values[.messengerHost], values[.messengerPort]) = (place.host, "\(place.port)")
            case .fastchat: (values[.fastChatHost], values[.fastChatPort]) = (place.host, "\(place.port)")
            case .balancer: values[.balancerListen] = place.description
            case .metrics: values[.metricsListen] = place.description
            }
            // Port 0 leaves it to others which one it is.
            if let written, written.host != place.host || written.port != place.port && written.port != 0 {
                let source = name == .server ? "[SERVER], or --host and --port, say" : "[\(name.section)] says"
                warnings.append(
                    """
                    The socket '\(name.rawValue)' that was passed listens on \(socket), and \(source) \(written): the \
                    socket counts. Write its address into the settings, or change its socket unit.
                    """)
            }
        }
        return (values, warnings)
    }

    /// Refuses a socket that no listener would accept connections on: its clients would wait for ever.
    func checkServed(by settings: Settings) throws(CommandError) {
        for name in names where !settings.serves(name) {
            throw CommandError(
                .settings,
                "The socket '\(name.rawValue)' was passed, and the settings do not have [\(name.section)] served "
                    + "there.",
                nextStep: "Set [\(name.section)] ENABLED to on, or disable the socket unit.")
        }
    }

    /// Whether a host of the settings can be told instead of the one that a socket listens on.
    private static func host(_ host: String, standsFor socket: String) -> Bool {
        if host == socket { return true }
        if NetworkAddress.isWildcard(host), NetworkAddress.isWildcard(socket) { return true }
        // A name stays, as long as it does not make a socket that others reach one of this machine alone.
        return IPAddress(host) == nil && NetworkAddress.isLoopback(host) == NetworkAddress.isLoopback(socket)
    }
}

extension PassedSocketError: CommandErrorConvertible {
    /// Ends with 78.
    var commandError: CommandError { CommandError(.settings, message, nextStep: remedy) }
}

extension Settings {
    /// Where a listener is without a socket; `nil` when the settings do not say.
    fileprivate func address(of name: PassedSockets.Name) -> NetworkAddress? {
        switch name {
        case .server: NetworkAddress(host: server.host, port: server.port)
        case .messenger: messenger.address
        case .fastchat: fastChat.address
        case .balancer: balancer.listen
        case .metrics: metrics.isOptional ? nil : metrics.address
        }
    }

    fileprivate func serves(_ name: PassedSockets.Name) -> Bool {
        switch name {
        case .server, .balancer: true
        case .messenger: messenger.isEnabled
        case .fastchat: fastChat.isEnabled
        case .metrics: metrics.isEnabled
        }
    }
}
