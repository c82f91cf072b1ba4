// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    /// What becomes of a changed value in a running server whose settings are read again.
    package enum Reload: String, Sendable, CaseIterable {
        /// It is in force at once.
        case applied
        /// It is in force when the server starts again.
        case restart
        /// It has no effect in any case.
        case unused
    }

    /// What becomes of a changed value when the settings are read again.
    package var reload: Reload {
        if use == .compatibility { return .unused }
        return Self.applied.contains(self) ? .applied : .restart
    }

    /// Whether a running server takes the value up only when it starts again.
    package var needsRestart: Bool { reload == .restart }

    /// Keys whose changed values a running server takes up; each has its line in `SettingsReloader` of the server.
    private static let applied: Set<SettingKey> = [
        .serverName, .serverOrigins, .serverTrustedProxies, .serverForwardedHeader, .registrationMode, .sessionTokenTTL,
        .limitBacklog, .rateLimitEnabled, .rateWrites, .rateReads, .rateLogins, .rateProfileChanges,
        .rateAddressWrites, .rateAddressReads, .rateAddressRegistrations, .rateAddressLogins,
        .rateAddressProfileChanges, .quotaFlows, .quotaPublicFlows, .quotaBytes, .loggingLevel, .loggingFolder,
        .loggingFormat, .loggingExpiration, .loggingDebugExpiration, .loggingDebugTemplate, .loggingErrorTemplate,
        .loggingInfoTemplate, .tlsKeyFile, .tlsCertificateFile, .templatesFolder, .retentionChat, .retentionGroup,
        .retentionChannel,
    ]
}
