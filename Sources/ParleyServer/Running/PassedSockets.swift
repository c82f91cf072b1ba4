// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Settings

/// Why the sockets of a service manager cannot be used.
package struct PassedSocketError: Error, Equatable, CustomStringConvertible {
    /// What is wrong: a sentence.
    package let message: String
    /// What to do: a sentence.
    package let remedy: String
    /// Message and remedy.
    package var description: String { "\(message) \(remedy)" }
}

/// The sockets that a service manager listens on and passes to the server, by sd_listen_fds(3).
///
/// They stay open until the process ends.
package struct PassedSockets: Sendable, CustomStringConvertible {
    /// The listener that a socket is for: its section of the settings, in lower case.
    ///
    /// It is the `FileDescriptorName=` of systemd.
    package enum Name: String, CaseIterable, Sendable {
        case server, messenger, fastchat, balancer, metrics

        /// The section of the settings that says where the listener is without a socket.
        package var section: String { rawValue.uppercased() }
    }

    /// A socket that listens.
    struct Passed {
        var descriptor: CInt
        var address: NetworkAddress
    }

    /// The first descriptor that is passed, `SD_LISTEN_FDS_START`.
    private static let firstDescriptor: CInt = 3
    private var sockets: [Name: Passed] = [:]

    /// Sockets that are known already.
    init(_ sockets: [Name: Passed]) { self.sockets = sockets }

    /// None.
    package init() {}

    /// Takes the sockets of this process, if there are any, for itself: children get neither them nor the variables.
    ///
    /// - Throws: `PassedSocketError` for one whose name or kind is wrong.
    package init(takingFrom environment: [String: String]) throws(PassedSocketError) {
        let descriptors = try Self.descriptors(in: environment, pid: getpid())
        guard environment["LISTEN_PID"] != nil else { return }
        for variable in ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(variable) }
        for (name, descriptor) in descriptors {
            sockets[name] = Passed(descriptor: descriptor, address: try Self.address(of: descriptor, name))
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// The listeners that have a socket, in the order of their kinds.
    package var names: [Name] { Name.allCases.filter { sockets[$0] != nil } }

    /// Names and addresses: `server 0.0.0.0:8080, metrics 127.0.0.1:9464`.
    package var description: String {
        names.compactMap { name in address(of: name).map { "\(name.rawValue) \($0)" } }.joined(separator: ", ")
    }

    /// Where the socket of a listener listens; `nil` when it has none.
    package func address(of name: Name) -> NetworkAddress? { sockets[name]?.address }

    /// The socket of the listener of a section.
    func descriptor(section: String) -> CInt? {
        Name(rawValue: section.lowercased()).flatMap { sockets[$0]?.descriptor }
    }

    /// Passes the sockets to the program that this process becomes next.
    package func passOn() {
        guard !sockets.isEmpty else { return }
        let passed = sockets.sorted { $0.value.descriptor < $1.value.descriptor }
        for (_, socket) in passed { _ = fcntl(socket.descriptor, F_SETFD, 0) }
        setenv("LISTEN_PID", "\(getpid())", 1)
        setenv("LISTEN_FDS", "\(passed.count)", 1)
        setenv("LISTEN_FDNAMES", passed.map(\.key.rawValue).joined(separator: ":"), 1)
    }

    /// Which descriptor is for which listener, by the environment of the process `pid` alone.
    static func descriptors(
        in environment: [String: String], pid: Int32
    ) throws(PassedSocketError) -> [Name: CInt] {
        // A process that does not remove the variables leaves them to children that they are not for.
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == pid else { return [:] }
        let passed = environment["LISTEN_FDS"] ?? ""
        guard let count = Int(passed), count >= 0 else {
            throw PassedSocketError(
                message: "LISTEN_FDS is \(passed.quotedForDisplay()), which is no number of sockets.",
                remedy: "Let the service manager set it, or remove LISTEN_PID from the environment.")
        }
        guard count > 0 else { return [:] }
        let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        guard names.count == count else {
            throw PassedSocketError(
                message: "LISTEN_FDS is \(count), and LISTEN_FDNAMES has \(names.count) names.",
                remedy: "Give each socket unit a FileDescriptorName=: \(Self.knownNames).")
        }
        var descriptors: [Name: CInt] = [:]
        for (place, text) in names.enumerated() {
            guard let name = Name(rawValue: String(text)) else {
                throw PassedSocketError(
                    message:
                        "A socket with the name \(String(text).quotedForDisplay()) was passed, which no listener has.",
                    remedy: "Set FileDescriptorName= of its socket unit to one of \(Self.knownNames).")
            }
            guard descriptors[name] == nil else {
                throw PassedSocketError(
                    message: "Two sockets with the name '\(name.rawValue)' were passed.",
                    remedy: """
                        Give each listener one socket unit with one ListenStream=, such as 0.0.0.0:PORT for every IPv4 \
                        address or PORT for every address.
                        """)
            }
            descriptors[name] = firstDescriptor + CInt(place)
        }
        return descriptors
    }

    private static var knownNames: String { Name.allCases.map(\.rawValue).joined(separator: ", ") }

    /// Where a socket listens, after a look at what it is.
    static func address(of descriptor: CInt, _ name: Name) throws(PassedSocketError) -> NetworkAddress {
        func refusal(_ problem: String, _ remedy: String) -> PassedSocketError {
            PassedSocketError(message: "The socket '\(name.rawValue)' that was passed \(problem).", remedy: remedy)
        }
        let streams = "Set ListenStream= of its socket unit to a TCP port, and Accept= to no."
        guard let domain = option(SO_DOMAIN, of: descriptor) else { throw refusal("is no socket", streams) }
        guard domain == AF_INET || domain == AF_INET6 else {
            throw refusal(
                domain == AF_UNIX ? "is a Unix socket, which is not served" : "is not of TCP",
                "Set ListenStream= of its socket unit to a TCP port or ADDRESS:PORT.")
        }
        guard option(SO_TYPE, of: descriptor) == CInt(SOCK_STREAM.rawValue) else {
            throw refusal("is not of TCP", streams)
        }
        guard option(SO_ACCEPTCONN, of: descriptor) == 1 else { throw refusal("does not listen", streams) }
        guard let address = localAddress(of: descriptor) else { throw refusal("has no address", streams) }
        return address
    }

    private static func option(_ option: CInt, of descriptor: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }

    private static func localAddress(of descriptor: CInt) -> NetworkAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let status = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getsockname(descriptor, address, &length) == 0 else { return CInt(-1) }
                return getnameinfo(
                    address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        guard status == 0, let number = Int(text(port)) else { return nil }
        return NetworkAddress(host: text(host), port: number)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
