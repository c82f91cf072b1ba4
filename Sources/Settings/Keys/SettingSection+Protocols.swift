// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// The keys of the wire protocols beside MTP, of presence, and of servers that work together.

extension SettingKey {
    /// `[SKARO] ENABLED`.
    package static let skaroEnabled = SettingKey(
        "SKARO", "ENABLED", .boolean, default: "on",
        "Whether skaro clients are served. While they are, the server keeps with each account what checks skaro's "
            + "login, sealed with the key of [SECRETS]; an account whose password was set while this was off cannot "
            + "log in with skaro until its owner has logged in with another protocol."
    )
    /// `[SKARO] RESTORE_SECONDS`.
    package static let skaroRestoreSeconds = SettingKey(
        "SKARO", "RESTORE_SECONDS", .integer(0...86400), default: "300",
        "How many seconds after its connection broke a session can be restored without a new login."
    )

    /// `[MESSENGER] ENABLED`.
    package static let messengerEnabled = SettingKey(
        "MESSENGER", "ENABLED", .boolean,
        unset: "on while the port is on a loopback address or speaks TLS, otherwise off",
        "Whether messenger clients are served. Without TLS their passwords cross the network in clear."
    )
    /// `[MESSENGER] HOST`.
    package static let messengerHost = SettingKey(
        "MESSENGER", "HOST", .host, unset: "the value of [SERVER] HOST", "The address to listen on."
    )
    /// `[MESSENGER] PORT`.
    package static let messengerPort = SettingKey(
        "MESSENGER", "PORT", .integer(0...65535), default: "54321",
        "The TCP port to listen on. 0 lets the system choose a free one."
    )
    /// `[MESSENGER] GATHER_MS`.
    package static let messengerGatherTime = SettingKey(
        "MESSENGER", "GATHER_MS", .integer(1...10_000), default: "20",
        "What has arrived counts as one request when the client pauses for so many milliseconds: the protocol has no "
            + "lengths. Raise it for clients on slow networks."
    )
    /// `[MESSENGER] SPACING_MS`.
    package static let messengerSpacing = SettingKey(
        "MESSENGER", "SPACING_MS", .integer(0...10_000), default: "50",
        "How many milliseconds lie between two messages to one client at least, so that it reads them as two."
    )
    /// `[MESSENGER] KEY_ANY_CONNECTION`.
    package static let messengerKeyAnyConnection = SettingKey(
        "MESSENGER", "KEY_ANY_CONNECTION", .boolean, default: "off",
        "Whether the key that a login returns is good on every connection, not only on the one that logged in. Keys "
            + "have 32 bits and can be guessed: switch it on only for clients that need it."
    )
    /// `[MESSENGER] MAX_BYTES`.
    package static let messengerMaximumBytes = SettingKey(
        "MESSENGER", "MAX_BYTES", .size(1024...16_777_216), default: "64 KiB", "The largest request."
    )
    /// `[MESSENGER] TLS`.
    package static let messengerTLS = SettingKey(
        "MESSENGER", "TLS", .boolean, default: "off",
        "Whether the port speaks TLS, with the certificate of [TLS]. Old clients do not."
    )

    /// `[FASTCHAT] ENABLED`.
    package static let fastChatEnabled = SettingKey(
        "FASTCHAT", "ENABLED", .boolean,
        unset: "on while the port is on a loopback address or speaks TLS, otherwise off",
        "Whether FastChat clients are served. Without TLS their passwords cross the network in clear."
    )
    /// `[FASTCHAT] HOST`.
    package static let fastChatHost = SettingKey(
        "FASTCHAT", "HOST", .host, unset: "the value of [SERVER] HOST", "The address to listen on."
    )
    /// `[FASTCHAT] PORT`.
    package static let fastChatPort = SettingKey(
        "FASTCHAT", "PORT", .integer(0...65535), default: "8010",
        "The TCP port to listen on. 0 lets the system choose a free one."
    )
    /// `[FASTCHAT] ADVERTISE`.
    package static let fastChatAdvertise = SettingKey(
        "FASTCHAT", "ADVERTISE", .address(ports: 1...65535),
        unset: "HOST and PORT of this section, or none while HOST is every address of the machine",
        "The address at which clients reach this server. The balancer names it and signs it, and only clients that "
            + "were sent to it are served."
    )
    /// `[FASTCHAT] BRIDGE`.
    package static let fastChatBridge = SettingKey(
        "FASTCHAT", "BRIDGE", .boolean, default: "on",
        "Whether the server holds keys for people without a FastChat client, so that FastChat users can write to them. "
            + "Such conversations are encrypted up to the server only. When off, FastChat users reach each other only."
    )
    /// `[FASTCHAT] SPACING_MS`.
    package static let fastChatSpacing = SettingKey(
        "FASTCHAT", "SPACING_MS", .integer(0...10_000), default: "50",
        "How many milliseconds lie between two messages to one client at least, so that it reads them as two."
    )
    /// `[FASTCHAT] TLS`.
    package static let fastChatTLS = SettingKey(
        "FASTCHAT", "TLS", .boolean, default: "off",
        "Whether the port speaks TLS, with the certificate of [TLS]. Old clients do not."
    )

    /// `[BALANCER] LISTEN`.
    package static let balancerListen = SettingKey(
        "BALANCER", "LISTEN", .address(ports: 0...65535), unset: "not opened",
        "Where runserver opens the balancer, to which FastChat clients connect first; they expect port 9000. 'manage "
            + "balancer' runs the same alone."
    )
    /// `[BALANCER] ALGORITHM`.
    package static let balancerAlgorithm = SettingKey(
        "BALANCER", "ALGORITHM", .choice(Settings.Balancer.Algorithm.allCases.map(\.rawValue)),
        default: "minimum connect",
        "How a server is chosen; minimum connect is the one with the fewest connected clients."
    )

    /// `[PRESENCE] ENABLED`.
    package static let presenceEnabled = SettingKey(
        "PRESENCE", "ENABLED", .boolean, default: "on",
        "Whether contacts are told when a person comes online or goes offline."
    )
    /// `[PRESENCE] MERGE_MS`.
    package static let presenceMergeTime = SettingKey(
        "PRESENCE", "MERGE_MS", .integer(0...60_000), default: "1000",
        "Changes of one user within so many milliseconds are told as one, or not at all when nothing has changed."
    )
    /// `[PRESENCE] PER_MINUTE`.
    package static let presencePerMinute = SettingKey(
        "PRESENCE", "PER_MINUTE", .integer(1...6000), default: "20",
        "How many changes of one user are told in a minute at most. Beyond it contacts learn the last state later."
    )

    /// `[SECRETS] KEY_FILE`.
    package static let secretsKeyFile = SettingKey(
        "SECRETS", "KEY_FILE", .path, default: "run/secret.key",
        "The key that seals secrets in the database. It is made when it is missing, with mode 0600. Keep a copy apart "
            + "from the copies of the database: a thief who has both can log in as skaro users, and without it their "
            + "accounts need a login by password first. Servers that share a database need the same file."
    )

    /// `[CLUSTER] NODE`.
    package static let clusterNode = SettingKey(
        "CLUSTER", "NODE", .line(maximumCharacters: 64), unset: "the host name of the machine",
        "The name of this server among those that share its database. Each needs one of its own."
    )
}

extension SettingSection {
    static let protocols: [SettingSection] = [
        SettingSection(
            name: "SKARO", summary: "skaro clients: CBOR over WebSocket at /skaro, on the address of [SERVER].",
            keys: [.skaroEnabled, .skaroRestoreSeconds]
        ),
        SettingSection(
            name: "MESSENGER", summary: "messenger clients: a binary protocol on its own TCP port.",
            keys: [
                .messengerEnabled, .messengerHost, .messengerPort, .messengerGatherTime, .messengerSpacing,
                .messengerKeyAnyConnection, .messengerMaximumBytes, .messengerTLS, .messengerProxyProtocol,
            ]
        ),
        SettingSection(
            name: "FASTCHAT", summary: "FastChat clients: JSON on its own TCP port, encrypted between clients.",
            keys: [
                .fastChatEnabled, .fastChatHost, .fastChatPort, .fastChatAdvertise, .fastChatBridge, .fastChatSpacing,
                .fastChatTLS, .fastChatProxyProtocol,
            ]
        ),
        SettingSection(
            name: "BALANCER", summary: "Tells FastChat clients which server of several to connect to.",
            keys: [.balancerListen, .balancerAlgorithm, .balancerProxyProtocol]
        ),
        SettingSection(
            name: "PRESENCE", summary: "Who is online.",
            keys: [.presenceEnabled, .presenceMergeTime, .presencePerMinute]
        ),
        SettingSection(
            name: "SECRETS", summary: "What must not lie in the database.", keys: [.secretsKeyFile]
        ),
        SettingSection(
            name: "CLUSTER", summary: "Several servers with one database.", keys: [.clusterNode]
        ),
    ]
}
