// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// The keys that the reference server's settings file has as well, in its spellings.

extension SettingKey {
    /// `[HASH_SIZE] SIZE_PASSWORD`.
    package static let hashPasswordSize = SettingKey(
        "HASH_SIZE", "SIZE_PASSWORD", aliases: ["PASSWORD"], .integer(16...64), default: "32",
        "The size in bytes of a blake2b password hash."
    )
    /// `[HASH_SIZE] SIZE_AUTH_ID`.
    package static let hashAuthIDSize = SettingKey(
        "HASH_SIZE", "SIZE_AUTH_ID", aliases: ["AUTH_ID"], .integer(16...64), default: "16",
        "The size in bytes of the auth_id that a client gets at login; it is sent as twice as many hexadecimal digits."
    )

    /// `[LOGGING] LEVEL`.
    package static let loggingLevel = SettingKey(
        "LOGGING", "LEVEL", .logLevel, default: "20",
        "The least severe messages that are logged. Below INFO there is log/debug.log as well; TRACE shows each frame, "
            + "without texts and secrets."
    )
    /// `[LOGGING] EXPIRATION_DATE`.
    package static let loggingExpiration = SettingKey(
        "LOGGING", "EXPIRATION_DATE", .duration(.days, 3600...315_360_000), default: "3",
        "After how many days error.log files are deleted."
    )
    /// `[LOGGING] DEBUG_EXPIRATION_DATE`.
    package static let loggingDebugExpiration = SettingKey(
        "LOGGING", "DEBUG_EXPIRATION_DATE", .duration(.days, 3600...315_360_000), default: "3",
        "After how many days debug.log files are deleted."
    )
    /// `[LOGGING] UVICORN_LOGGING_DISABLE`.
    package static let loggingUvicornDisable = SettingKey(
        "LOGGING", "UVICORN_LOGGING_DISABLE", .boolean, default: "no",
        "Whether to leave out the line that each HTTP request and each upgrade to a WebSocket gets in the log."
    )
    /// `[LOGGING] DEBUG`.
    package static let loggingDebugTemplate = SettingKey(
        "LOGGING", "DEBUG", .text,
        default: "<b>{time:YYYY-MM-DD HH:mm:ss}</> <g>{level}</> {module} {function}:{line} {message}",
        "The template of messages at DEBUG and below: {time:…} {level} {module} {function} {line} {message}, and the "
            + "colours <b> <g> <r> <e>, ended by </>."
    )
    /// `[LOGGING] ERROR`.
    package static let loggingErrorTemplate = SettingKey(
        "LOGGING", "ERROR", .text,
        default: "<b>{time:YYYY-MM-DD HH:mm:ss}</> <r>{level}</> {module} {function}:{line} {message}",
        "The template of messages at WARNING and above."
    )
    /// `[LOGGING] INFO`.
    package static let loggingInfoTemplate = SettingKey(
        "LOGGING", "INFO", .text, default: "<b>{time:YYYY-MM-DD HH:mm:ss}</> <e>{level}</> {message}",
        "The template of messages at INFO and SUCCESS."
    )

    /// `[TEMPLATES] FOLDER`.
    package static let templatesFolder = SettingKey(
        "TEMPLATES", "FOLDER", .path, unset: "the built-in pages",
        "A folder with templates that replace built-in pages of the same name. A folder that does not exist changes "
            + "nothing."
    )

    /// `[API_VERSION] MAX_VERSION`.
    package static let apiMaximumVersion = SettingKey(
        "API_VERSION", "MAX_VERSION", aliases: ["MAX"], .version, default: "1.9",
        "The newest MTP version that a client may ask for."
    )
    /// `[API_VERSION] MIN_VERSION`.
    package static let apiMinimumVersion = SettingKey(
        "API_VERSION", "MIN_VERSION", aliases: ["MIN"], .version, default: "1.0",
        "The oldest MTP version that a client may ask for."
    )

    /// `[ADMIN] SECRET_KEY`.
    package static let adminSecretKey = SettingKey(
        "ADMIN", "SECRET_KEY", .text, secret: true, use: .compatibility,
        "Read so that a settings file of the reference server loads; sessions of the admin panel need no key."
    )

    /// `[SUPERUSER] UUID`.
    package static let superuserUUID = superuser("UUID", "The account's number.")
    /// `[SUPERUSER] USERNAME`.
    package static let superuserName = superuser("USERNAME", "The account's shown name.")
    /// `[SUPERUSER] LOGIN`.
    package static let superuserLogin = superuser("LOGIN", "The account's login.")
    /// `[SUPERUSER] EMAIL`.
    package static let superuserEmail = superuser("EMAIL", "The account's address.")
    /// `[SUPERUSER] PASSWORD`.
    package static let superuserPassword = superuser(
        "PASSWORD", secret: true,
        "The account's password. 'manage superuser-create' refuses the one that the reference server ships."
    )
    /// `[SUPERUSER] SALT`.
    package static let superuserSalt = superuser("SALT", secret: true, "The salt of its hash.")
    /// `[SUPERUSER] KEY`.
    package static let superuserKey = superuser("KEY", secret: true, "The key of its hash.")
    /// `[SUPERUSER] HASH_PASSWORD`.
    package static let superuserHash = superuser("HASH_PASSWORD", secret: true, "Its hash.")

    private static func superuser(_ name: String, secret: Bool = false, _ summary: String) -> SettingKey {
        SettingKey("SUPERUSER", name, .text, secret: secret, use: .compatibility, summary)
    }
}

extension SettingSection {
    /// Every section with its keys, in the order of the documentation.
    package static let all: [SettingSection] = server + protocols + reference

    private static let server: [SettingSection] = [
        SettingSection(
            name: "SERVER", summary: "Where the server listens, and its name.",
            keys: [
                .serverHost, .serverPort, .serverName, .serverWebChat, .serverStopDelay, .serverStopSpread,
                .serverOrigins,
                .serverTrustedProxies, .serverForwardedHeader, .serverProxyProtocol,
            ]
        ),
        SettingSection(
            name: "REGISTRATION", summary: "Who may create an account.", keys: [.registrationMode]
        ),
        SettingSection(
            name: "DATABASE", summary: "Where accounts and messages are kept.",
            keys: [.databaseURI, .databasePool, .databaseBusyTimeout]
        ),
        backup, retention,
        SettingSection(
            name: "SESSION", summary: "Logins.", keys: [.sessionTokenTTL]
        ),
        SettingSection(
            name: "SERVER_LIMIT", summary: "Bounds on what clients may ask for.",
            keys: [
                .limitMessages, .limitUsers, .limitFrameBytes, .limitInboundBytes, .limitOutboundBytes, .limitRequests,
                .limitBacklog, .limitWriteTimeout, .limitLogInTimeout, .limitConnections, .limitConnectionsPerAddress,
            ]
        ),
        rates,
        SettingSection(
            name: "HASH_SIZE", summary: "How passwords are hashed.",
            keys: [
                .hashAlgorithm, .hashArgon2Memory, .hashArgon2Iterations, .hashPasswordSize, .hashAuthIDSize,
            ]
        ),
        SettingSection(
            name: "LOGGING", summary: "What is logged, where and how.",
            keys: [
                .loggingLevel, .loggingFolder, .loggingFormat, .loggingExpiration, .loggingDebugExpiration,
                .loggingUvicornDisable, .loggingDebugTemplate, .loggingErrorTemplate, .loggingInfoTemplate,
            ]
        ),
        SettingSection(
            name: "API_VERSION", summary: "The MTP versions that are spoken.",
            keys: [.apiMaximumVersion, .apiMinimumVersion]
        ),
        SettingSection(
            name: "ADMIN", summary: "Administration of a running server.",
            keys: [.adminSocket, .adminPanel, .adminAPI, .adminSecretKey]
        ),
        metrics,
        SettingSection(
            name: "TLS", summary: "Encryption of the listeners. The options of runserver go before these.",
            keys: [.tlsKeyFile, .tlsCertificateFile, .tlsAuthorityFile]
        ),
    ]

    private static let reference: [SettingSection] = [
        SettingSection(
            name: "TEMPLATES", summary: "Pages for people.", keys: [.templatesFolder]
        ),
        SettingSection(
            name: "SUPERUSER",
            summary: "Read so that a settings file of the reference server loads; it has no effect. Create an "
                + "administrator with 'manage superuser-create'.",
            keys: [
                .superuserUUID, .superuserName, .superuserLogin, .superuserEmail, .superuserPassword, .superuserSalt,
                .superuserKey, .superuserHash,
            ]
        ),
    ]
}
