// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// The keys that are this server's own. Everything about a key stands here once: the typed settings, the example file,
// docs/configuration.md and `config show` follow from it.

extension SettingKey {
    /// `[SERVER] HOST`.
    package static let serverHost = SettingKey(
        "SERVER", "HOST", .host, default: "127.0.0.1",
        "The address to listen on. 127.0.0.1 serves this machine only; 0.0.0.0 serves every IPv4 address of the "
            + "machine."
    )
    /// `[SERVER] PORT`.
    package static let serverPort = SettingKey(
        "SERVER", "PORT", .integer(0...65535), default: "8080",
        "The TCP port to listen on. 0 lets the system choose a free one."
    )

    /// `[SERVER] NAME`.
    package static let serverName = SettingKey(
        "SERVER", "NAME", .line(maximumCharacters: 100), default: "Parley",
        "What the server calls itself to people, such as on its home page."
    )

    /// `[SERVER] WEB_CHAT`.
    package static let serverWebChat = SettingKey(
        "SERVER", "WEB_CHAT", .boolean, default: "on",
        "Whether people find the chat for browsers at /chat. Other clients are not concerned."
    )

    /// `[SERVER] STOP_DELAY`.
    package static let serverStopDelay = SettingKey(
        "SERVER", "STOP_DELAY", .duration(.seconds, 0...3600), default: "0s",
        "How long the server serves on after it was asked to stop. /readyz answers 503 from the first moment, so that "
            + "a proxy that asks every few seconds sends new clients elsewhere before the port is closed."
    )
    /// `[SERVER] STOP_SPREAD`.
    package static let serverStopSpread = SettingKey(
        "SERVER", "STOP_SPREAD", .duration(.seconds, 0...3600), default: "0s",
        "Over how long a server that stops then closes the connections of its clients, each at a moment of its own, so "
            + "that they do not all come back at once."
    )

    /// `[SERVER] ORIGINS`.
    package static let serverOrigins = SettingKey(
        "SERVER", "ORIGINS", .origins, unset: "the server's own pages only",
        "Web pages of which other places may open a WebSocket here. Browsers name the place with each connection; "
            + "programs that are no browsers do not, and are not concerned."
    )
    /// `[SERVER] TRUSTED_PROXIES`.
    package static let serverTrustedProxies = SettingKey(
        "SERVER", "TRUSTED_PROXIES", .ranges, unset: "none",
        "The proxies in front of this server. What they say about where a connection comes from is taken, so that "
            + "limits, sessions and the log see people and not the proxy. No other peer is believed."
    )
    /// `[SERVER] FORWARDED_HEADER`.
    package static let serverForwardedHeader = SettingKey(
        "SERVER", "FORWARDED_HEADER", .choice(["X-Forwarded-For", "Forwarded"]), default: "X-Forwarded-For",
        "The header in which the trusted proxies name the client of an HTTP request or WebSocket. Only this one is "
            + "read: a proxy may pass the other one on as a client wrote it."
    )
    /// `[SERVER] PROXY_PROTOCOL`.
    package static let serverProxyProtocol = proxyProtocol("SERVER")
    /// `[MESSENGER] PROXY_PROTOCOL`.
    package static let messengerProxyProtocol = proxyProtocol("MESSENGER")
    /// `[FASTCHAT] PROXY_PROTOCOL`.
    package static let fastChatProxyProtocol = proxyProtocol("FASTCHAT")
    /// `[BALANCER] PROXY_PROTOCOL`.
    package static let balancerProxyProtocol = proxyProtocol("BALANCER")

    private static func proxyProtocol(_ section: String) -> SettingKey {
        SettingKey(
            section, "PROXY_PROTOCOL", .boolean, default: "off",
            "Whether connections of the trusted proxies begin with a header of the PROXY protocol, version 2 "
                + "(send-proxy-v2 of HAProxy). One without it is closed then; connections of others have none."
        )
    }

    /// `[REGISTRATION] MODE`.
    package static let registrationMode = SettingKey(
        "REGISTRATION", "MODE", .choice(["open", "invite", "closed"]),
        unset:
            "open while the server listens on loopback addresses only, without TRUSTED_PROXIES and ADVERTISE; "
            + "otherwise closed",
        "Who may create an account: everyone who reaches the server, who has a code of 'manage invite create', or "
            + "administrators only, who always can."
    )

    /// `[SESSION] TOKEN_TTL`.
    package static let sessionTokenTTL = SettingKey(
        "SESSION", "TOKEN_TTL", .duration(.seconds, 1...315_360_000), default: "30d",
        "How long the token of a login is valid, counted from the login: using it does not prolong it."
    )

    /// `[DATABASE] URI`.
    package static let databaseURI = SettingKey(
        "DATABASE", "URI", .databaseURI, default: "sqlite:db_sqlite.db",
        "Where the data is. A relative SQLite file counts from the folder of the settings file; sqlite:/:memory: is "
            + "gone when the server ends. PostgreSQL takes the parameters of libpq after a '?', such as "
            + "sslmode=require; ?host=/run/postgresql connects through a Unix socket. Special characters are written "
            + "as %XX."
    )
    /// `[DATABASE] POOL`.
    package static let databasePool = SettingKey(
        "DATABASE", "POOL", .integer(1...256), default: "8",
        "How many connections to PostgreSQL, or readers of the SQLite file, may work at the same time."
    )
    /// `[DATABASE] BUSY_TIMEOUT`.
    package static let databaseBusyTimeout = SettingKey(
        "DATABASE", "BUSY_TIMEOUT", .duration(.seconds, 0...600), default: "5s",
        "How long a statement waits for a lock of the database or for a free connection."
    )

    /// `[SERVER_LIMIT] MESSAGES`.
    package static let limitMessages = SettingKey(
        "SERVER_LIMIT", "MESSAGES", .integer(1...10_000), default: "100",
        "How many messages one response to all_messages carries at most."
    )
    /// `[SERVER_LIMIT] USERS`.
    package static let limitUsers = SettingKey(
        "SERVER_LIMIT", "USERS", .integer(1...10_000), default: "100",
        "How many users one response to user_info carries at most."
    )
    /// `[SERVER_LIMIT] FRAME_BYTES`.
    package static let limitFrameBytes = SettingKey(
        "SERVER_LIMIT", "FRAME_BYTES", .size(1024...1_073_741_824), default: "16 MiB",
        "The largest WebSocket message that a connection may send once it is logged in, all its frames together. "
            + "Before that 64 KiB apply."
    )
    /// `[SERVER_LIMIT] INBOUND_BYTES`.
    package static let limitInboundBytes = SettingKey(
        "SERVER_LIMIT", "INBOUND_BYTES", .size(65536...68_719_476_736), default: "256 MiB",
        "How much memory the partly received messages of all connections, and the requests that are not answered yet, "
            + "may take together."
    )
    /// `[SERVER_LIMIT] OUTBOUND_BYTES`.
    package static let limitOutboundBytes = SettingKey(
        "SERVER_LIMIT", "OUTBOUND_BYTES", .size(65536...1_073_741_824), default: "1 MiB",
        "How much may wait to be sent to one connection. A connection that reads more slowly catches up from the log."
    )
    /// `[SERVER_LIMIT] REQUESTS`.
    package static let limitRequests = SettingKey(
        "SERVER_LIMIT", "REQUESTS", .integer(1...4096), default: "32",
        "How many requests of one connection may be in flight. Further ones are read when one of them is answered."
    )

    /// `[SERVER_LIMIT] WRITE_TIMEOUT`.
    package static let limitWriteTimeout = SettingKey(
        "SERVER_LIMIT", "WRITE_TIMEOUT", .duration(.seconds, 1...86_400), default: "60s",
        "A client that reads nothing of what is sent to it for this long is disconnected. It finds everything in the "
            + "log when it comes back."
    )
    /// `[SERVER_LIMIT] LOGIN_TIMEOUT`.
    package static let limitLogInTimeout = SettingKey(
        "SERVER_LIMIT", "LOGIN_TIMEOUT", .duration(.seconds, 1...86_400), default: "60s",
        "A connection that does not log in within this time is closed."
    )
    /// `[SERVER_LIMIT] CONNECTIONS`.
    package static let limitConnections = SettingKey(
        "SERVER_LIMIT", "CONNECTIONS", .integer(1...1_000_000),
        unset: "the limit of open files less what the server needs for itself",
        "How many connections may be open. Further ones are closed at once."
    )
    /// `[SERVER_LIMIT] CONNECTIONS_PER_ADDRESS`.
    package static let limitConnectionsPerAddress = SettingKey(
        "SERVER_LIMIT", "CONNECTIONS_PER_ADDRESS", .integer(1...1_000_000), default: "1000",
        "How many of them one address may have open; of IPv6 the first 64 bits count. Loopback addresses may have any "
            + "number."
    )

    /// `[SERVER_LIMIT] BACKLOG`.
    package static let limitBacklog = SettingKey(
        "SERVER_LIMIT", "BACKLOG", .integer(0...1_000_000), default: "1000",
        "How many of the messages from before it a user's first login with messenger or FastChat brings at most."
    )

    /// `[HASH_SIZE] ALGORITHM`.
    package static let hashAlgorithm = SettingKey(
        "HASH_SIZE", "ALGORITHM", .choice(["argon2id", "blake2b"]), default: "argon2id",
        "How new passwords are hashed. blake2b is the reference server's way; it resists guessing far less."
    )
    static let hashArgon2Memory = SettingKey(
        "HASH_SIZE", "ARGON2_MEMORY", .size(8192...1_073_741_824), default: "19 MiB",
        "The memory that one Argon2id hash takes. More makes guessing slower, and logins."
    )
    static let hashArgon2Iterations = SettingKey(
        "HASH_SIZE", "ARGON2_ITERATIONS", .integer(1...64), default: "2",
        "How often Argon2id passes over its memory."
    )

    /// `[LOGGING] FOLDER`.
    package static let loggingFolder = SettingKey(
        "LOGGING", "FOLDER", .path, default: "log",
        "Where error.log and debug.log are written. The folder is created when it is missing."
    )
    /// `[LOGGING] FORMAT`.
    package static let loggingFormat = SettingKey(
        "LOGGING", "FORMAT", .choice(["text", "json", "logfmt"]), default: "text",
        "text uses the templates of this section; json writes one object per line, logfmt its members as key=value. "
            + "Where standard error goes to systemd's journal, each line has its priority there."
    )

    /// `[ADMIN] SOCKET`.
    package static let adminSocket = SettingKey(
        "ADMIN", "SOCKET", .path, default: "run/admin.sock",
        "The Unix socket through which the commands of manage reach a running server. Its folder gets mode 0700."
    )
    /// `[ADMIN] PANEL`.
    package static let adminPanel = SettingKey(
        "ADMIN", "PANEL", .boolean, default: "on",
        "Whether administrators find the admin panel at /admin. It is shown over HTTPS only, and to browsers of this "
            + "machine."
    )

    /// `[ADMIN] API`.
    package static let adminAPI = SettingKey(
        "ADMIN", "API", .boolean, default: "on",
        "Whether /admin/api/v1 serves administrators who have a token of 'manage token create'. Requests are answered "
            + "over TLS (of this server or of a trusted proxy), and in clear from this machine only."
    )

    /// `[TLS] KEY_FILE`.
    package static let tlsKeyFile = SettingKey(
        "TLS", "KEY_FILE", .path, unset: "no TLS", "The private key in PEM form; the same as --ssl-keyfile."
    )
    /// `[TLS] CERT_FILE`.
    package static let tlsCertificateFile = SettingKey(
        "TLS", "CERT_FILE", .path, unset: "no TLS",
        "The certificate in PEM form, followed by its chain; the same as --ssl-certfile."
    )
    /// `[TLS] CA_FILE`.
    package static let tlsAuthorityFile = SettingKey(
        "TLS", "CA_FILE", .path, unset: "the system's authorities",
        "The authorities in PEM form that certificates of clients are checked against; the same as --ssl-ca-certs."
    )
}
