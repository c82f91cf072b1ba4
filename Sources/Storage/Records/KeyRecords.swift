// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

/// A public key that an account published for one of its devices.
package struct PublicKeyRecord: Sendable, Equatable {
    package var user: UserID
    /// Empty where the protocol knows no devices.
    package var device: String
    /// What the key is for, such as `fastchat`.
    package var kind: String
    /// As the owner wrote it, such as PEM.
    package var publicKey: String
    package var time: Timestamp

    package init(user: UserID, device: String, kind: String, publicKey: String, time: Timestamp) {
        self.user = user
        self.device = device
        self.kind = kind
        self.publicKey = publicKey
        self.time = time
    }
}

/// A key pair that the server holds; the private half is sealed under a key outside the database.
package struct SealedKeyPair: Sendable, Equatable {
    package var publicKey: String
    package var sealedPrivateKey: [UInt8]

    package init(publicKey: String, sealedPrivateKey: [UInt8]) {
        self.publicKey = publicKey
        self.sealedPrivateKey = sealedPrivateKey
    }
}

/// A key pair that the server holds for an account.
package struct BridgeKeyRecord: Sendable, Equatable {
    package var user: UserID
    package var uuid: Identifier
    /// What the key is for, such as `fastchat`.
    package var kind: String
    package var pair: SealedKeyPair

    package init(user: UserID, uuid: Identifier, kind: String, pair: SealedKeyPair) {
        self.user = user
        self.uuid = uuid
        self.kind = kind
        self.pair = pair
    }
}
