// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
package import NIOSSL
import Synchronization

/// The certificate and key that listeners show: renewed while the server runs, for every handshake from then on.
package final class LiveCertificate: Sendable {
    private let current: Mutex<NIOSSLContextConfigurationOverride>

    /// Begins with what the files of the options hold.
    ///
    /// - Throws: `TLSOptionsError`, which names the file and the remedy.
    package init(_ options: TLSOptions) throws(TLSOptionsError) {
        self.current = Mutex(Self.certificate(of: try options.makeConfiguration()))
    }

    /// Reads the files of the options and shows what they hold from now on; other rules stay those of the start.
    ///
    /// - Throws: `TLSOptionsError`; then nothing has changed.
    package func renew(from options: TLSOptions) throws(TLSOptionsError) {
        let new = Self.certificate(of: try options.makeConfiguration())
        self.current.withLock { $0 = new }
    }

    /// The configuration of a listener that shows this certificate.
    package func applied(to configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.sslContextCallback = { _, promise in
            promise.succeed(self.current.withLock { $0 })
        }
        return configuration
    }

    private static func certificate(of configuration: TLSConfiguration) -> NIOSSLContextConfigurationOverride {
        var certificate = NIOSSLContextConfigurationOverride()
        certificate.certificateChain = configuration.certificateChain
        certificate.privateKey = configuration.privateKey
        return certificate
    }
}
