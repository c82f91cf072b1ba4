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
    /// The section that has the same address, if that is what is the matter.
    package let other: String?
    /// What failed, how to remedy it, and where in the settings.
    package var description: String {
        if let other { return "[\(other)] and [\(section)] have the same port. Give one of them another port." }
        return "\(error.message) The address is that of [\(section)]."
    }

    init(section: String, error: ListenerError, other: String? = nil) {
        self.section = section
        self.error = error
        self.other = other
    }
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
