// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// When a connection is to be cut.
///
/// One timer is in use at a time; a deadline that moved on is looked at again. Touched on the connection's loop only.
final class ConnectionDeadline {
    private var deadline: NIODeadline?
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    /// Cuts the connection after `time`, unless another deadline is set before.
    func set(in time: TimeAmount, context: ChannelHandlerContext) {
        let deadline = context.eventLoop.now + time
        self.deadline = deadline
        if let timer = self.timer, deadline < self.timerDeadline {
            timer.cancel()
            self.timer = nil
        }
        if self.timer == nil { self.schedule(at: deadline, context: context) }
    }

    /// Lets the connection live on for now.
    func clear() {
        self.deadline = nil
    }

    /// The end: nothing refers to the connection any more.
    func cancel() {
        self.deadline = nil
        self.timer?.cancel()
        self.timer = nil
    }

    private func schedule(at deadline: NIODeadline, context: ChannelHandlerContext) {
        self.timerDeadline = deadline
        self.timer = context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: deadline) {
            self.timer = nil
            guard let current = self.deadline else { return }
            if context.eventLoop.now >= current {
                context.close(promise: nil)
            } else {
                self.schedule(at: current, context: context)
            }
        }
    }
}
