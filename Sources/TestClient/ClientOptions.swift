// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix
import NIOSSL

/// Whom a client trusts when the address asks for TLS.
package enum TLSTrust: Sendable, Equatable {
    /// The certificate authorities of the machine.
    case system
    /// The authorities or certificates in a PEM file.
    case file(String)
    /// Anyone. For tests.
    case anyone
}

/// How a client connects.
package struct ClientOptions: Sendable {
    /// Which certificates are trusted.
    ///
    /// Default: the machine's.
    package var trust = TLSTrust.system
    /// PEM files of a client certificate and its key.
    package var clientCertificate: (certificate: String, key: String)?
    /// For connecting, TLS and the handshake together.
    ///
    /// Default: 5 minutes, which the slowest machine needs not; commands have a `--timeout`.
    package var timeout = Duration.seconds(300)
    /// The longest message or body that is taken, in bytes.
    ///
    /// Default: 64 MiB.
    package var maximumMessageBytes = 64 << 20
    /// More headers for the request.
    package var headers: [(name: String, value: String)] = []
    /// Whether pings are answered.
    ///
    /// Default: yes; tests of dead peers say no.
    package var answersPings = true
    /// Where the connections live.
    ///
    /// Default: the process-wide group.
    package var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    package init() {}

    /// The defaults, and whom to trust.
    package init(trust: TLSTrust) {
        self.trust = trust
    }

    func tlsContext() throws(ClientError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            switch trust {
            case .system: break
            case .file(let path): configuration.trustRoots = .file(path)
            case .anyone: configuration.certificateVerification = .none
            }
            if let clientCertificate {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(clientCertificate.certificate)
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: clientCertificate.key, format: .pem))
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .tls(reason: "the certificates or the key cannot be read")
        }
    }
}
