// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension MetricDefinition {
    /// Bounds for times: powers of two of a microsecond, from 64 µs to 8.4 s.
    package static let times = (6...23).map { Double(1 << $0) / 1_000_000 }
    /// Bounds for numbers of things: powers of two.
    private static func powers(to exponent: Int) -> [Double] { (0...exponent).map { Double(1 << $0) } }

    /// Every metric, in the order of `/metrics`; docs/metrics.md follows from it.
    package static let all = connections + requests + messages + database + health + process

    private static let connections = [
        MetricDefinition("parley_connections", .gauge, labels: ["protocol"], "Logged-in connections."),
        MetricDefinition(
            "parley_open_connections", .gauge, "Open connections, logged in or not, pages of the panel among them."),
        MetricDefinition("parley_subscribers", .gauge, "Logged-in connections that get messages live."),
        MetricDefinition(
            "parley_sessions_connected_total", .counter, labels: ["protocol", "outcome"],
            "Connections that were logged in: with a new session (outcome new) or with an earlier one, as after a "
                + "broken connection (resumed)."),
        MetricDefinition(
            "parley_logins_total", .counter, labels: ["protocol", "outcome"],
            "Checks of a password or challenge: success, wrong_password, unknown_login, throttled after too many "
                + "failures or attempts, or busy while too many passwords wait to be hashed."),
        MetricDefinition("parley_registrations_total", .counter, labels: ["protocol"], "New accounts made by clients."),
        MetricDefinition(
            "parley_throttled_total", .counter, labels: ["protocol", "bucket"],
            "Requests that were refused by a limit of [RATE_LIMIT], of an account or of an address, or because too "
                + "many writes wait (bucket write_queue); protocol admin for logins to the panel, none for writes of "
                + "operators and of the server itself."),
        MetricDefinition("parley_http_requests_total", .counter, "HTTP requests and upgrades to WebSocket."),
        MetricDefinition("parley_inbound_bytes", .gauge, "Memory of partly received messages and unanswered requests."),
        MetricDefinition("parley_outbound_bytes", .gauge, "What waits for clients that read slowly."),
        MetricDefinition("parley_hashes_waiting", .gauge, "Passwords that wait to be hashed or checked."),
    ]

    private static let requests = [
        MetricDefinition(
            "parley_requests_total", .counter, labels: ["protocol", "command", "outcome"],
            "Answered requests of clients, by the protocol's own name for them: ok, refused, throttled by a limit of "
                + "rates, failed for a reason of the server's, or unanswered because the connection had ended."),
        MetricDefinition(
            "parley_requests_refused_total", .counter, labels: ["protocol", "reason"],
            "Those that were refused, throttled or failed, by the status that the client was told, or the protocol's "
                + "word for it."),
        MetricDefinition(
            "parley_request_duration_seconds", .histogram(times), labels: ["protocol"],
            "From the arrival of a request until its answer is written: what waits before it and the commit included."),
    ]

    private static let messages = [
        MetricDefinition(
            "parley_messages_total", .counter, labels: ["protocol"],
            "Messages committed by this server, by the protocol that brought them: none for those of operators."),
        MetricDefinition(
            "parley_deliveries_total", .counter, labels: ["protocol"],
            "How often a message was handed to a connection, by the connection's protocol."),
        MetricDefinition(
            "parley_fanout_connections", .histogram([0] + powers(to: 16)),
            "Connections that the messages of one flow in one batch were handed to."),
        MetricDefinition(
            "parley_delivery_latency_seconds", .histogram(times),
            "From the commit of a message until it was handed to its last connection."),
        MetricDefinition("parley_delivery_queue_batches", .gauge, "Committed batches that wait to be delivered."),
    ]

    private static let database = [
        MetricDefinition("parley_waiting_writes", .gauge, "Writes that wait for the database."),
        MetricDefinition(
            "parley_batch_entries", .histogram(powers(to: 10)), "Entries of the log in one transaction."),
        MetricDefinition(
            "parley_commit_duration_seconds", .histogram(times),
            "Transactions of the log, from the first statement until they are durable."),
        MetricDefinition(
            "parley_database_read_duration_seconds", .histogram(times),
            "Reads for requests and deliveries that were not answered from memory."),
        MetricDefinition(
            "parley_database_query_duration_seconds", .histogram(times), labels: ["query"],
            "Transactions of the database by what they are for, the wait for a connection included: commit (a batch of "
                + "the log), messages, updates (catching up and deliveries), search, accounts, flows, attachments, "
                + "administration, or chores (what the server does by itself). Backups and checks of the whole "
                + "database are left out."),
        MetricDefinition("parley_database_errors_total", .counter, "Reads and writes that the database failed."),
        MetricDefinition("parley_database_size_bytes", .gauge, "Size of the database."),
        MetricDefinition(
            "parley_disk_free_bytes", .gauge,
            "Free space where the log files are and, with SQLite, the database; the smaller one."),
        MetricDefinition("parley_nodes", .gauge, "Servers that share the database and are alive."),
        MetricDefinition("parley_nodes_draining", .gauge, "Those of them that are draining."),
    ]

    private static let health = [
        MetricDefinition("parley_ready", .gauge, "1 while /readyz says so, otherwise 0."),
        MetricDefinition(
            "parley_service_mode", .gauge, labels: ["mode"],
            "1 for the mode that the server was started in, 0 for the others: normal, read-only or maintenance."),
        MetricDefinition(
            "parley_log_errors_total", .counter, "Messages of level ERROR or CRITICAL in the server's log."),
        MetricDefinition("parley_log_warnings_total", .counter, "Messages of level WARNING in the server's log."),
        MetricDefinition(
            "parley_log_dropped_total", .counter, "Messages that the log dropped because it could not keep up."),
        MetricDefinition(
            "parley_reloads_total", .counter, labels: ["outcome"],
            "Reloads of the settings: applied, or refused with the old ones left in force."),
        MetricDefinition(
            "parley_reload_success_timestamp_seconds", .gauge,
            "When the settings were last read without a mistake, at the start or by a reload."),
        MetricDefinition(
            "parley_backup_timestamp_seconds", .gauge,
            "When the newest backup in [BACKUP] FOLDER was made; missing while the server makes none."),
        MetricDefinition("parley_backup_size_bytes", .gauge, "Size of that backup."),
        MetricDefinition(
            "parley_backup_failed", .gauge,
            "1 from a scheduled backup that failed until one succeeds, otherwise 0; missing without [BACKUP] "
                + "SCHEDULE."),
        MetricDefinition("parley_build_info", .info, labels: ["version"], "The program."),
    ]

    private static let process = [
        MetricDefinition("process_cpu_seconds_total", .counter, "Time of the processors, of user and system."),
        MetricDefinition("process_resident_memory_bytes", .gauge, "Memory of the process that is not swapped out."),
        MetricDefinition("process_open_fds", .gauge, "Open file descriptors."),
        MetricDefinition("process_max_fds", .gauge, "The limit of open file descriptors."),
        MetricDefinition("process_start_time_seconds", .gauge, "When the server started, in seconds since 1970."),
    ]
}
