// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import Transport

extension ConnectionRegistry {
    /// The identifiers of all connections there may be in a test: a number within its loop, and that of the loop.
    private static var everyConnection: [ConnectionID] {
        (1...16).flatMap { number in
            (0..<64).map { ConnectionID(rawValue: UInt64(number) << 16 | UInt64($0)) }
        }
    }

    /// What the sessions of a protocol say on their loops; those that answer `nil` are left out.
    package func answers<Session: ConnectionSession & SendableMetatype, Value: Sendable>(
        of type: Session.Type, _ ask: @escaping @Sendable (Session) -> Value?
    ) async -> [Value] {
        let (answers, source) = AsyncStream.makeStream(of: Value?.self)
        forEachSession(of: Self.everyConnection) { session in
            source.yield((session as? Session).flatMap(ask))
        }
        var found: [Value] = []
        for await answer in answers.prefix(openConnections) {
            if let answer { found.append(answer) }
        }
        return found
    }
}
