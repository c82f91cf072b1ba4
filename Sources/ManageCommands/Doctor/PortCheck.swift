// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Settings
import TestClient

/// The check `ports`: whether the server's ports are free, or taken by our own server.
enum PortCheck {
    /// What happens when somebody tries to listen.
    enum Outcome: Equatable, Sendable {
        case free
        case inUse
        case notAllowed
        case noSuchAddress(String)
        case failed(String)
    }

    /// A listener of the server: where it is, and the keys of the settings that say so.
    private struct Place {
        var host: String
        var port: Int
        var hostKey: String
        var portKey: String

        var name: String { "port \(port) of \(host)" }
    }

    static func examine(_ settings: Settings) async -> DoctorCheck {
        let places = places(of: settings).filter { $0.port != 0 }
        var seen: [String] = []
        var findings: [SettingsFinding] = []
        var isOurs = false
        for place in places {
            switch tryToListen(host: place.host, port: place.port) {
            case .free: seen.append("\(place.port) is free")
            case .inUse:
                if !isOurs { isOurs = await homePageIsOurs(settings) }
                if isOurs {
                    seen.append("\(place.port) is served by Parley")
                } else {
                    seen.append("\(place.port) is taken")
                    findings.append(
                        SettingsFinding(
                            .error, message: "Another program listens on \(place.name).",
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

    /// Listens for a moment on every address of a host, without accepting anybody.
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
    private static func homePageIsOurs(_ settings: Settings) async -> Bool {
        let socketURL = ConnectionOptions.localURL(settings)
        let url = "http" + socketURL.dropFirst(2).dropLast(2)
        var options = ClientOptions(trust: .anyone)
        options.timeout = .seconds(5)
        options.maximumMessageBytes = 1 << 20
        guard let page = try? await HTTPClient.get(url, accept: "application/json", options: options),
            let json = try? JSONValue.parse(page.body)
        else { return false }
        return json["version"]?.int != nil && json["available"]?.bool != nil && json["protocols"]?.array != nil
    }
}
