// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

package import TestClient

extension WebSocketClient {
    /// How the server ends a connection on which nobody logs in.
    ///
    /// A slow machine may take longer for the handshake than the server waits: then there is another attempt.
    package static func closureOfStranger(url: String) async throws -> WebSocketClosure {
        while true {
            var closure = WebSocketClosure.abnormal
            do throws(any Error) {
                let stranger = try await connect(url: url, onMessage: { _ in })
                closure = await stranger.closed()
            } catch ClientError.closed(let early) {
                closure = early
            }
            if closure.code != WebSocketClosure.abnormal.code { return closure }
            try Task.checkCancellation()
        }
    }
}
