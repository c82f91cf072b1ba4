// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Settings
import TestClient

/// The check `ports`: whether the server's port is free, or taken by our own server.
enum PortCheck {
    /// What happens when somebody tries to listen.
    enum Outcome: Equatable, Sendable {
        case free
        case inUse
        case notAllowed
        case noSuchAddress(String)
        case failed(String)
    }

    static func examine(_ settings: Settings) async -> DoctorCheck {
        let server = settings.server
        guard server.port != 0 else { return DoctorCheck("ports", "The system chooses a free port at every start.") }
        let place = "port \(server.port) of \(server.host)"
        let name = "P\(place.dropFirst())"
        switch tryToListen(host: server.host, port: server.port) {
        case .free: return DoctorCheck("ports", "\(name) is free; no server is running there.")
        case .inUse:
            if await isOurs(settings) { return DoctorCheck("ports", "\(name) is served by Parley.") }
            return check(
                "\(name) is taken.", "Another program listens on \(place).",
                "Stop it ('ss -ltnp sport = :\(server.port)' names it), or set SERVER.PORT to another port.")
        case .notAllowed:
            return check(
                "\(name) is not allowed.", "This user may not listen on \(place).",
                "Set SERVER.PORT to 1024 or more, or give the server the capability CAP_NET_BIND_SERVICE.")
        case .noSuchAddress(let reason):
            return check(
                "There is no address \(server.host).", "The server cannot listen on '\(server.host)': \(reason).",
                "Set SERVER.HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0.")
        case .failed(let reason):
            return check(
                "\(name) cannot be used.", "The server cannot listen on \(place): \(reason).",
                "Set SERVER.HOST and SERVER.PORT to another place.")
        }
    }

    private static func check(_ summary: String, _ message: String, _ remedy: String) -> DoctorCheck {
        DoctorCheck("ports", summary, findings: [SettingsFinding(.error, message: message, remedy: remedy)])
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
    private static func isOurs(_ settings: Settings) async -> Bool {
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
