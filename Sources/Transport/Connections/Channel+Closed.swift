// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension Channel {
    /// Returns when the channel is closed or the task is cancelled.
    func closed() async {
        let (closings, source) = AsyncStream.makeStream(of: Never.self)
        self.closeFuture.whenComplete { _ in source.finish() }
        for await _ in closings {}
    }
}
