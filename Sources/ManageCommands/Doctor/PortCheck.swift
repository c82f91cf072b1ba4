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
        /// Whether the server runs without this listener when the port is taken.
        var isOptional = false

        var name: String { "port \(port) of \(host)" }
    }

    /// What listens on a port that is taken.
    private enum Holder { case ourselves, anotherParley, anotherProgram, silence, unknown }

    /// What the server of the admin socket says.
    private enum OwnServer {
        case absent, silence
        case listeners([ServerListener])

        func hasPassedSocket(port: Int) -> Bool {
            guard case .listeners(let listeners) = self else { return false }
            return listeners.contains { $0.port == port && $0.isPassed == true }
        }
    }

    /// Tries every port of the settings; a server has so much `timeout` to say whether it is ours.
    static func examine(_ settings: Settings, timeout: Duration) async -> DoctorCheck {
        let places = places(of: settings).filter { $0.port != 0 }
        var seen: [String] = []
        var findings = sharedPorts(places)
        func found(
            _ id: SettingsFinding.ID, _ what: String, _ place: Place, _ message: String, _ remedy: String
        ) {
            seen.append("\(place.port) \(what)")
            let severity: SettingsFinding.Severity = place.isOptional ? .warning : .error
            findings.append(SettingsFinding(id, severity, message: message, remedy: remedy))
        }
        let server = await ownServer(settings, timeout)
        if case .silence = server {
            findings.append(
                SettingsFinding(
                    .serverSilent, .warning,
                    message: "The server of '\(settings.admin.socket)' did not answer within \(timeout.inSeconds).",
                    remedy: "Try again with a longer --timeout, or see the server's log for details."))
        }
        for place in places {
            switch tryToListen(host: place.host, port: place.port) {
            case .free: seen.append("\(place.port) is free")
            case .inUse:
                let remedy =
                    "Stop it ('ss -ltnp sport = :\(place.port)' names it), or set \(place.portKey) to another port."
                switch await holder(of: place, server, timeout) {
                case .ourselves:
                    let isPassed = server.hasPassedSocket(port: place.port)
                    seen.append(
                        "\(place.port) is served by Parley" + (isPassed ? " on a socket of the service manager" : ""))
                case .unknown: seen.append("\(place.port) is taken")
                case .anotherParley:
                    found(
                        .portTaken, "is taken", place, "Another Parley server listens on \(place.name).", remedy)
                case .anotherProgram:
                    found(.portTaken, "is taken", place, "Another program listens on \(place.name).", remedy)
                case .silence:
                    found(
                        .portTaken, "is taken", place,
                        "What listens on \(place.name) did not answer within \(timeout.inSeconds).", remedy)
                }
            case .notAllowed:
                found(
                    .portForbidden, "is not allowed", place, "This user may not listen on \(place.name).",
                    "Set \(place.portKey) to 1024 or more, or give the server the capability CAP_NET_BIND_SERVICE.")
            case .noSuchAddress(let reason):
                found(
                    .portAddress, "has no address", place, "The server cannot listen on '\(place.host)': \(reason).",
                    "Set \(place.hostKey) to an address of this machine, such as 127.0.0.1 or 0.0.0.0.")
            case .failed(let reason):
                found(
                    .portUnusable, "cannot be used", place, "The server cannot listen on \(place.name): \(reason).",
                    "Set \(place.portKey) to another port.")
            }
        }
        let summary =
            seen.isEmpty
            ? "The system chooses free ports at every start." : "Port \(seen.joined(separator: ", "))."
        return DoctorCheck(.ports, summary, findings: findings)
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
                .portShared, .error, key: place.portKey,
                message: "\(other.portKey) and \(place.portKey) are both \(place.port).",
                remedy: "Set one of them to another port.")
        }
    }

    private static func ownServer(_ settings: Settings, _ timeout: Duration) async -> OwnServer {
        guard access(settings.admin.socket, F_OK) == 0 else { return .absent }
        let runner = OperationRunner(settings: settings)
        let ask = { @Sendable in try await runner.withServer { try await $0.run(ServerAddresses()) } }
        do {
            let report = try await answered(within: timeout, by: settings.admin.socket, giveUp: {}, ask)
            return report.map { .listeners($0.listeners) } ?? .absent
        } catch ClientError.timedOut {
            return .silence
        } catch {
            return .absent
        }
    }

    private static func holder(of place: Place, _ server: OwnServer, _ timeout: Duration) async -> Holder {
        var isOurParley = false
        switch server {
        case .absent: break
        // Which ports it has is not known.
        case .silence: return .unknown
        case .listeners(let listeners):
            if listeners.contains(where: { $0.port == place.port }) { return .ourselves }
            isOurParley = listeners.isEmpty
        }
        guard place.portKey == "SERVER.PORT" else { return .anotherProgram }
        let holder = await holderOfHomePage(place, timeout)
        return holder == .anotherParley && isOurParley ? .ourselves : holder
    }

    private static func places(of settings: Settings) -> [Place] {
        func place(_ address: NetworkAddress?, _ section: String) -> Place? {
            address.map {
                Place(host: $0.host, port: $0.port, hostKey: "\(section).HOST", portKey: "\(section).PORT")
            }
        }
        let server = NetworkAddress(host: settings.server.host, port: settings.server.port)
        let balancer = settings.balancer.listen.map {
            Place(host: $0.host, port: $0.port, hostKey: "BALANCER.LISTEN", portKey: "BALANCER.LISTEN")
        }
        var metrics = Place(
            host: settings.metrics.address.host, port: settings.metrics.address.port, hostKey: "METRICS.LISTEN",
            portKey: "METRICS.LISTEN")
        metrics.isOptional = settings.metrics.isOptional
        return [
            place(server, "SERVER"),
            place(settings.messenger.isEnabled ? settings.messenger.address : nil, "MESSENGER"),
            place(settings.fastChat.isEnabled ? settings.fastChat.address : nil, "FASTCHAT"), balancer,
            settings.metrics.isEnabled ? metrics : nil,
        ].compactMap(\.self)
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

    /// Who serves the home page: the shape of its JSON says whether it is Parley.
    private static func holderOfHomePage(_ place: Place, _ timeout: Duration) async -> Holder {
        let endpoint = StreamEndpoint(NetworkAddress(host: place.host, port: place.port), isSecure: false)
        var options = ClientOptions(trust: .anyone)
        options.timeout = timeout
        options.maximumMessageBytes = 1 << 20
        for scheme in ["http", "https"] {
            let url = "\(scheme)://\(endpoint.url.dropFirst("tcp://".count))/"
            do {
                let page = try await HTTPClient.get(url, accept: "application/json", options: options)
                guard let json = try? JSONValue.parse(page.body) else { continue }
                let isParley =
                    json["version"]?.int != nil && json["available"]?.bool != nil && json["protocols"]?.array != nil
                return isParley ? .anotherParley : .anotherProgram
            } catch ClientError.timedOut {
                return .silence
            } catch {
                continue
            }
        }
        return .anotherProgram
    }
}
