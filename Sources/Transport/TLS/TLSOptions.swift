// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOSSL

/// Files and rules of TLS: the `--ssl-…` options of `runserver`.
package struct TLSOptions: Sendable {
    /// Whether clients have to show a certificate (`--ssl-cert-reqs`).
    package enum ClientCertificate: Int, Sendable, CaseIterable {
        /// They are not asked. Corresponds to 0.
        case notAsked = 0
        /// They are asked; one that they show must be valid. Corresponds to 1.
        case optional = 1
        /// They must show a valid one. Corresponds to 2.
        case required = 2
    }

    /// The oldest version that is spoken.
    package enum MinimumVersion: String, Sendable, CaseIterable {
        /// For clients from before 2008 on; insecure.
        case tls10 = "1.0"
        /// Insecure as well.
        case tls11 = "1.1"
        /// The default.
        case tls12 = "1.2"
        /// Current clients only.
        case tls13 = "1.3"
    }

    /// PEM file with the certificate and those that lead to its root, in this order.
    package var certificateFile: String
    /// PEM file with the key; `nil` when it is in the certificate's file.
    package var keyFile: String?
    /// PEM file with the authorities that client certificates must come from.
    package var certificateAuthorityFile: String?
    /// Whether clients have to show a certificate.
    package var clientCertificate = ClientCertificate.notAsked
    /// The oldest version that is spoken.
    package var minimumVersion = MinimumVersion.tls12
    /// The cipher suites for TLS up to 1.2: a `CipherExpression`; `nil` for the library's choice.
    ///
    /// The suites of TLS 1.3 are fixed.
    package var ciphers: String?

    /// Options with the default rules.
    package init(certificateFile: String, keyFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// Reads the files and checks that they fit together.
    ///
    /// - Returns: A configuration that a context can be made of.
    /// - Throws: `TLSOptionsError`, which names the file and the remedy.
    package func makeConfiguration() throws(TLSOptionsError) -> TLSConfiguration {
        let certificates = try Self.certificates(in: self.certificateFile, option: "--ssl-certfile")
        let keyFile = self.keyFile ?? self.certificateFile
        let key = try Self.key(in: keyFile)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = self.minimumVersion.version
        configuration.applicationProtocols = ["http/1.1"]
        if let suites = try self.cipherSuites() { configuration.cipherSuites = suites }
        if self.clientCertificate != .notAsked {
            guard let file = self.certificateAuthorityFile else {
                throw TLSOptionsError(
                    .optionMissing,
                    file: nil,
                    """
                    Client certificates are asked for, but nothing says which authorities to trust. \
                    Give their PEM file with --ssl-ca-certs.
                    """
                )
            }
            configuration.trustRoots = .certificates(try Self.certificates(in: file, option: "--ssl-ca-certs"))
            configuration.certificateVerification =
                self.clientCertificate == .required ? .noHostnameVerification : .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSOptionsError(
                .mismatch,
                file: keyFile,
                """
                The key in '\(keyFile)' does not belong to the certificate in '\(self.certificateFile)'. \
                Give the two files that were made together.
                """
            )
        }
        return configuration
    }

    private func cipherSuites() throws(TLSOptionsError) -> String? {
        guard let ciphers else { return nil }
        do {
            return try CipherExpression(ciphers).suites?.joined(separator: ":")
        } catch {
            throw TLSOptionsError(
                .invalid,
                file: nil,
                """
                --ssl-ciphers: \(error) \
                Choose from: \(CipherExpression.allSuites.joined(separator: ", ")), or groups such as ECDHE+AESGCM.
                """
            )
        }
    }

    private static func certificates(in file: String, option: String) throws(TLSOptionsError) -> [NIOSSLCertificate] {
        try self.checkReadable(file, option: option)
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(file), !certificates.isEmpty else {
            throw TLSOptionsError(
                .invalid,
                file: file,
                "'\(file)' has no certificate that can be read. Give \(option) a PEM file (-----BEGIN "
                    + "CERTIFICATE-----)."
            )
        }
        return certificates
    }

    private static func key(in file: String) throws(TLSOptionsError) -> NIOSSLPrivateKey {
        try self.checkReadable(file, option: "--ssl-keyfile")
        do {
            return try NIOSSLPrivateKey(file: file, format: .pem)
        } catch {
            throw TLSOptionsError(
                .invalid,
                file: file,
                """
                '\(file)' has no private key that can be read. Give --ssl-keyfile a PEM file without a passphrase \
                ('openssl pkey -in OLD -out NEW' takes one away).
                """
            )
        }
    }

    private static func checkReadable(_ file: String, option: String) throws(TLSOptionsError) {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            throw TLSOptionsError(
                number == ENOENT || number == ENOTDIR ? .fileMissing : .fileUnreadable,
                file: file,
                "Cannot read '\(file)': \(String(cString: strerror(number))). Correct \(option) or the file's rights."
            )
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw TLSOptionsError(
                .fileUnreadable, file: file, "'\(file)' is no ordinary file. Give \(option) a PEM file.")
        }
    }
}

extension TLSOptions.MinimumVersion {
    var version: TLSVersion {
        switch self {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}

/// Why TLS cannot be set up.
package struct TLSOptionsError: Error, CustomStringConvertible {
    /// What is the matter, for branching.
    package enum Code: Sendable {
        /// A file is not there.
        case fileMissing
        /// A file cannot be read.
        case fileUnreadable
        /// A file or value does not hold what it should.
        case invalid
        /// Certificate and key do not belong together.
        case mismatch
        /// Another option is needed as well.
        case optionMissing
    }

    /// What is the matter, for branching.
    package let code: Code
    /// The file at fault, when it is one.
    package let file: String?
    /// What failed and how to remedy it; never content of a file.
    package let message: String
    /// Same as ``message``.
    package var description: String { self.message }

    init(_ code: Code, file: String?, _ message: String) {
        self.code = code
        self.file = file
        self.message = message
    }
}
