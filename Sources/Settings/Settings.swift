// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Bounds

/// The settings of a server, typed, after command line, environment, file and defaults have been put together.
///
/// `Settings.load(file:environment:overrides:)` makes them. Every value is within its documented range; every path is
/// absolute.
package struct Settings: Sendable {
    /// `[SERVER]`: where the server listens.
    package struct Server: Sendable {
        /// A host name or address without brackets.
        package var host: String
        /// The port; 0 lets the system choose.
        package var port: Int

        /// What the server calls itself to people.
        package var name: String
        /// Whether the chat for browsers is served.
        package var hasWebChat: Bool
        /// How long it serves on after it was asked to stop.
        package var stopDelay: Duration
        /// Over how long it then closes the connections of its clients.
        package var stopSpread: Duration
        /// Web pages of which other places may connect.
        package var origins: [WebOrigin]
        /// The proxies whose word is taken.
        package var trustedProxies: [IPRange]
        /// The header in which they name the client: `X-Forwarded-For` or `Forwarded`.
        package var forwardedHeader: String
        /// Whether their connections begin with a header of the PROXY protocol.
        package var readsProxyHeader: Bool

        /// Whether the address can be reached from this machine only.
        package var isLoopback: Bool { NetworkAddress.isLoopback(host) }
    }

    /// `[REGISTRATION] MODE`.
    package enum RegistrationMode: String, Sendable {
        /// Everyone who reaches the server may create an account.
        case open
        /// Who has an invitation may create an account.
        case invite
        /// Only administrators create accounts.
        case closed
    }

    /// `[DATABASE]`.
    package struct Database: Sendable {
        /// Where the data is.
        package var location: DatabaseLocation
        /// Connections or readers at the same time.
        package var pool: Int
        /// How long a statement waits for a lock or a connection.
        package var busyTimeout: Duration
        /// `busyTimeout` in seconds, with its fraction.
        package var busySeconds: Double {
            let (seconds, attoseconds) = busyTimeout.components
            return Double(seconds) + Double(attoseconds) / 1e18
        }
    }

    /// `[SERVER_LIMIT]`.
    package struct Limits: Sendable {
        /// Messages in one response.
        package var messages: Int
        /// Users in one response.
        package var users: Int
        /// The largest message of a logged in connection, in bytes.
        package var frameBytes: Int
        /// Partly received messages of all connections together, in bytes.
        package var inboundBytes: Int
        /// What may wait to be sent to one connection, in bytes.
        package var outboundBytes: Int
        /// Requests of one connection in flight.
        package var requests: Int
        /// Earlier messages that the first login with messenger or FastChat brings.
        package var backlog: Int
        /// How long a client may read nothing.
        package var writeTimeout: Duration
        /// How long a connection may be open without a login.
        package var logInTimeout: Duration
        /// Open connections; `nil` for what the limit of open files allows.
        package var connections: Int?
        /// Open connections of one address.
        package var connectionsPerAddress: Int
    }

    /// `[HASH_SIZE]`: how passwords are hashed.
    package struct Hashing: Sendable {
        /// `[HASH_SIZE] ALGORITHM`.
        package enum Algorithm: String, Sendable {
            /// Argon2id in PHC string form.
            case argon2id
            /// The reference server's keyed and salted BLAKE2b.
            case blake2b
        }

        /// The algorithm for new hashes.
        package var algorithm: Algorithm
        /// Memory of one Argon2id hash, in bytes.
        package var argon2MemoryBytes: Int
        /// Passes of Argon2id.
        package var argon2Iterations: Int
        /// The size of a BLAKE2b password hash in bytes.
        package var passwordBytes: Int
        /// The size of an auth_id in bytes.
        package var authIDBytes: Int
    }

    /// `[LOGGING]`.
    package struct Logging: Sendable {
        /// `[LOGGING] FORMAT`.
        package enum Format: String, Sendable {
            /// Lines after the templates.
            case text
            /// One JSON object per line.
            case json
            /// `key=value` pairs.
            case logfmt
        }

        /// The number of the least severe level that is logged: 50, 40, 30, 25, 20, 10 or 5.
        package var level: Int
        /// The folder of the log files.
        package var folder: String
        /// How lines look.
        package var format: Format
        /// After how long error.log files are deleted.
        package var expiration: Duration
        /// After how long debug.log files are deleted.
        package var debugExpiration: Duration
        /// Whether the line per HTTP request is left out.
        package var isRequestLogDisabled: Bool
        /// The template at DEBUG and below.
        package var debugTemplate: String
        /// The template at WARNING and above.
        package var errorTemplate: String
        /// The template at INFO and SUCCESS.
        package var infoTemplate: String
    }

    /// `[TLS]`: key and certificate are both set or both unset.
    package struct TLS: Sendable {
        /// The private key.
        package var keyFile: String?
        /// The certificate with its chain.
        package var certificateFile: String?
        /// The authorities for certificates of clients.
        package var authorityFile: String?
    }

    /// `[ADMIN]`.
    package struct Admin: Sendable {
        /// The path of the Unix socket.
        package var socket: String
        /// Whether the HTTP API is served.
        package var servesAPI: Bool
        /// Whether the admin panel is served.
        package var hasPanel: Bool
        /// What signs sessions in the reference server; it has no effect here.
        ///
        /// Never to be shown.
        package var secretKey: String?
    }

    /// `[SUPERUSER]`: what a settings file of the reference server says; nothing here takes effect by itself.
    package struct Superuser: Sendable {
        package var login: String?
        /// The shown name.
        package var username: String?
        /// The address.
        package var email: String?
        /// The password.
        ///
        /// Never to be shown.
        package var password: String?

        /// The password in the reference server's example, which everybody knows.
        package static let shippedPassword = "password"
    }

    /// Where the server listens.
    package var server: Server
    /// Who may register, as written; see `effectiveRegistrationMode`.
    package var registrationMode: RegistrationMode?
    package var database: Database
    package var backup: Backup
    /// How long messages are kept.
    package var retention: Retention
    /// How long a token is valid after the login that made it.
    package var tokenTTL: Duration
    /// Bounds on what clients may ask for.
    package var limits: Limits
    /// How often something may happen.
    package var rateLimit: RateLimit
    /// How passwords are hashed.
    package var hashing: Hashing
    package var logging: Logging
    /// The MTP versions that are spoken.
    package var apiVersions: ClosedRange<ProtocolVersion>
    /// Administration of a running server.
    package var admin: Admin
    /// What the server does, for Prometheus.
    package var metrics: Metrics
    /// Encryption of the listener.
    package var tls: TLS
    /// skaro clients.
    package var skaro: Skaro
    /// messenger clients.
    package var messenger: Messenger
    /// FastChat clients.
    package var fastChat: FastChat
    /// The balancer of FastChat clients.
    package var balancer: Balancer
    /// Who is online.
    package var presence: Presence
    /// Where the key that seals secrets is.
    package var secrets: Secrets
    /// Servers that share a database.
    package var cluster: Cluster
    /// The folder with templates that replace built-in pages.
    package var templatesFolder: String?
    /// What the file says about the reference server's superuser.
    package var superuser: Superuser

    /// The absolute path of the file that was read; `nil` when there is none.
    package var file: String?
    /// The folder that relative paths count from.
    package var folder: String
    /// What is odd about the settings, without being an error.
    package var findings: [SettingsFinding]
    /// A sentence for stderr when there is no settings file.
    package var note: String?

    var resolved: [ResolvedSetting]
    /// What each key that is set says; secrets among them.
    var valuesByKey: [SettingKey: SettingValue]

    /// Every setting with its value for display and its origin, in the order of the documentation.
    package func values() -> [ResolvedSetting] { resolved }
}
