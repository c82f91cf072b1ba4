// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// Why TLS failed, in words for people instead of the library's.
enum TLSReason {
    /// What the library's names of failures mean; the first that its text contains counts.
    private static let meanings = [
        ("CERTIFICATE_VERIFY_FAILED", "the server's certificate is not trusted"),
        ("unableToValidateCertificate", "the server's certificate is not trusted"),
        ("failedToValidateHostname", "the server's certificate is for another name"),
        ("CERTIFICATE_REQUIRED", "the server wants a client certificate"),
        ("UNKNOWN_CA", "the server does not trust the client certificate"),
        ("BAD_CERTIFICATE", "the server does not accept the client certificate"),
        ("HANDSHAKE_FAILURE", "the two sides have no way of encryption in common"),
        ("PROTOCOL_VERSION", "the two sides have no version of TLS in common"),
        ("WRONG_VERSION_NUMBER", "the other side does not speak TLS"),
        ("HTTP_REQUEST", "the other side does not speak TLS"),
        ("uncleanShutdown", "the connection ended without a farewell"),
        ("EOF during handshake", "the connection ended during the handshake"),
    ]

    /// A part of a sentence.
    static func words(for error: any Error) -> String {
        let text = String(reflecting: error)
        return meanings.first { text.contains($0.0) }?.1 ?? "the handshake failed"
    }
}
