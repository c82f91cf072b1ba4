// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Operations
import Settings
import TestClient

/// The check `ports`: whether the server's ports are free, or taken by our own server.
enum PortCheck {
    /// What happens on an attempt to listen.
    enum Outcome: Equatable, Sendable {
        case free
        case inUse
        case notAllowed
        case noSuchAddress(String)
        case failed(String)
    }

    /// A listener of the server: where it is, and the keys of the settings that say so.
    struct Place {
        var host: String
        var port: Int
        var hostKey: String
        var portKey: String

        var name: String { "port \(port) of \(host)" }
    }

    static func examine(_ settings: Settings) async -> DoctorCheck {
        let places = places(of: settings).filter { $0.port != 0 }
        var seen: [String] = []
        var findings = sharedPorts(places)
        let listeners = await listenersOfOwnServer(settings)
        for place in places {
            switch tryToListen(host: place.host, port: place.port) {
            case .free: seen.append("\(place.port) is free")
            case .inUse:
                let isParley = await homePageIsParley(place)
                let isOurs = listeners.map { $0.isEmpty ? isParley : $0.contains { $0.port == place.port } } ?? false
                if isOurs {
                    seen.append("\(place.port) is served by Parley")
                } else {
                    seen.append("\(place.port) is taken")
                    let holder = isParley ? "Another Parley server" : "Another program"
                    findings.append(
                        SettingsFinding(
                            .error, message: "\(holder) listens on \(place.name).",
                            remedy: "Stop it ('ss -ltnp sport = :\(place.port)' names it), or set \(place.portKey) to "
                                + "another port."))
                }
            case .notAllowed:
                seen.append("\(place.port) is not allowed")
                findings.append(
                    SettingsFinding(
                        .error, message: "This user may not listen on \(place.name).",
                        remedy: "Set \(place.portKey) to 1024 or more, or give the server the capability "
                            + "CAP_NET_BIND_SERVICE."))
            case .noSuchAddress(let reason):
                seen.append("\(place.port) has no address")
                findings.append(
                    SettingsFinding(
                        .error, message: "The server cannot listen on '\(place.host)': \(reason).",
                        remedy: "Set \(place.hostKey) to an address of this machine, such as 127.0.0.1 or 0.0.0.0."))
            case .failed(let reason):
                seen.append("\(place.port) cannot be used")
                findings.append(
                    SettingsFinding(
                        .error, message: "The server cannot listen on \(place.name): \(reason).",
                        remedy: "Set \(place.portKey) to another port."))
            }
        }
        let summary =
            seen.isEmpty
            ? "The system chooses free ports at every start." : "Port \(seen.joined(separator: ", "))."
        return DoctorCheck("ports", summary, findings: findings)
    }

    /// Two listeners of one server cannot have the same port.
    static func sharedPorts(_ places: [Place]) -> [SettingsFinding] {
        places.enumerated().compactMap { index, place in
            let other = places[..<index].first { earlier in
                let isEverywhere = NetworkAddress.isWildcard(earlier.host) || NetworkAddress.isWildcard(place.host)
                return earlier.port == place.port && (earlier.host == place.host || isEverywhere)
            }
            guard let other else { return nil }
            return SettingsFinding(
                .error, key: place.portKey, message: "\(other.portKey) and \(place.portKey) are both \(place.port).",
                remedy: "Set one of them to another port.")
        }
    }

    /// Where the server of the admin socket listens; `nil` when none runs.
    private static func listenersOfOwnServer(_ settings: Settings) async -> [ServerListener]? {
        let runner = OperationRunner(settings: settings)
        let ask = { @Sendable in try await runner.withServer { try await $0.run(ServerAddresses()) } }
        let report = try? await answered(within: .seconds(5), by: settings.admin.socket, giveUp: {}, ask)
        return report?.listeners
    }

    private static func places(of settings: Settings) -> [Place] {
        var places = [
            Place(
                host: settings.server.host, port: settings.server.port, hostKey: "SERVER.HOST", portKey: "SERVER.PORT")
        ]
        if settings.messenger.isEnabled {
            let address = settings.messenger.address
            places.append(
                Place(host: address.host, port: address.port, hostKey: "MESSENGER.HOST", portKey: "MESSENGER.PORT"))
        }
        if settings.fastChat.isEnabled {
            let address = settings.fastChat.address
            places.append(
                Place(host: address.host, port: address.port, hostKey: "FASTCHAT.HOST", portKey: "FASTCHAT.PORT"))
        }
        if let address = settings.balancer.listen {
            places.append(
                Place(host: address.host, port: address.port, hostKey: "BALANCER.LISTEN", portKey: "BALANCER.LISTEN"))
        }
        return places
    }

    /// Listens for a moment on every address of a host, without accepting connections.
    static func tryToListen(host: String, port: Int) -> Outcome {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var first: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &first)
        guard status == 0, let first else { return .noSuchAddress(String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let info = next?.pointee {
            let outcome = tryToListen(info)
            if outcome != .free { return outcome }
            next = info.ai_next
        }
        return .free
    }

    private static func tryToListen(_ info: addrinfo) -> Outcome {
        let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
        // A machine without IPv6 has no such address to listen on.
        guard descriptor >= 0 else { return errno == EAFNOSUPPORT ? .free : .failed(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var isOn: Int32 = 1
        // As the server does: connections that have just ended are no hindrance.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, 1) == 0 else {
            let number = errno
            switch number {
            case EADDRINUSE: return .inUse
            case EACCES, EPERM: return .notAllowed
            case EADDRNOTAVAIL: return .noSuchAddress("it is no address of this machine")
            default: return .failed(String(cString: strerror(number)))
            }
        }
        return .free
    }

    /// Whether the home page is one of Parley: the shape of its JSON says so.
    private static func homePageIsParley(_ place: Place) async -> Bool {
        guard place.portKey == "SERVER.PORT" else { return false }
        let endpoint = StreamEndpoint(NetworkAddress(host: place.host, port: place.port), isSecure: false)
        var options = ClientOptions(trust: .anyone)
        options.timeout = .seconds(5)
        options.maximumMessageBytes = 1 << 20
        for scheme in ["http", "https"] {
            let url = "\(scheme)://\(endpoint.url.dropFirst("tcp://".count))/"
            guard let page = try? await HTTPClient.get(url, accept: "application/json", options: options),
                let json = try? JSONValue.parse(page.body)
            else { continue }
            return json["version"]?.int != nil && json["available"]?.bool != nil && json["protocols"]?.array != nil
        }
        return false
    }
}
