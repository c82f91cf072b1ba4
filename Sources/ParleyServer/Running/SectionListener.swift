// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
package import Transport

/// Why one of several listeners could not start.
package struct SectionListenerError: Error, CustomStringConvertible {
    /// The section of the settings that says where to listen, such as `MESSENGER`.
    package let section: String
    /// What was the matter.
    package let error: ListenerError
    /// What failed, how to remedy it, and where in the settings.
    package var description: String { "\(error.message) The address is that of [\(section)]." }
}

/// A listener whose failures name the section of the settings that it belongs to.
struct SectionListener: Service {
    let section: String
    let listener: Listener

    func run() async throws {
        do {
            try await listener.run()
        } catch let error as ListenerError {
            throw SectionListenerError(section: section, error: error)
        }
    }
}
