// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    /// `[METRICS] ENABLED`.
    package static let metricsEnabled = SettingKey(
        "METRICS", "ENABLED", .boolean, default: "on",
        "Whether /metrics is served. docs/metrics.md lists what it shows."
    )
    /// `[METRICS] LISTEN`.
    package static let metricsListen = SettingKey(
        "METRICS", "LISTEN", .address(ports: 0...65535),
        unset: "\(Settings.Metrics.standardAddress), unless another program has that port",
        "Where /metrics, /livez and /readyz are served, without a password: an address that only the scraper reaches. "
            + "Port 0 lets the system choose a free one."
    )
}

extension SettingSection {
    static let metrics = SettingSection(
        name: "METRICS", summary: "What the server does, in numbers: OpenMetrics for Prometheus.",
        keys: [.metricsEnabled, .metricsListen]
    )
}

extension Settings {
    /// `[METRICS]`: the listener for scrapers.
    package struct Metrics: Sendable {
        /// Where scrapers look unless the settings say another place.
        static let standardAddress = NetworkAddress(host: "127.0.0.1", port: 9464)

        /// Whether the listener is there.
        package var isEnabled: Bool
        /// The address as written, if it is.
        var chosen: NetworkAddress?

        /// Where it listens.
        package var address: NetworkAddress { chosen ?? Self.standardAddress }
        /// Whether the server runs without it when the address cannot be had: the operator has not asked for this one.
        package var isOptional: Bool { chosen == nil }
    }
}

extension SettingsLoader {
    func metrics() -> Settings.Metrics {
        Settings.Metrics(isEnabled: boolean(.metricsEnabled), chosen: address(.metricsListen))
    }
}
