// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Transport

/// How what is written reaches the client: replies alone, everything else in arrays, one unit on its way at a time.
extension FastChatSession {
    var hasRoom: Bool { !isOver && outbox.hasRoom }

    func write(_ answer: Answer) {
        tell(answer.notice)
        if answer.isFinal { end() }
    }

    /// Tells why a request is not done whose task goes on.
    func refuse(_ detail: String, group: FastChatGroupNumber? = nil) {
        wasRefused = true
        tell(.refused(detail, group: group))
    }

    func tell(_ notice: FastChatNotice) {
        write(notice.encoded(for: feed?.reader.number ?? FastChatUserNumber(0), time: service.time))
    }

    /// Replies stand alone; after a final one the connection closes.
    func answer(_ reply: FastChatReply) {
        guard !isOver else { return }
        outbox.append(reply: reply.encoded())
        wasRefused = wasRefused || reply.isFinal
        if reply.isFinal { end() } else { pumpSoon() }
    }

    /// Queues an object for an array.
    func write(_ object: [UInt8]) {
        guard !isOver else { return }
        outbox.append(object)
        pumpSoon()
    }

    /// Packs an array when the loop has done what it has in flight now, so that all of it is in one.
    private func pumpSoon() {
        guard !isPumpDue, let eventLoop = core.eventLoop else { return }
        isPumpDue = true
        eventLoop.assumeIsolatedUnsafeUnchecked().execute {
            self.isPumpDue = false
            self.pump()
        }
    }

    func pump() {
        guard !isOver, let connection, connection.isOpen, let unit = outbox.next() else { return }
        connection.write(unit: ByteBuffer(bytes: unit))
        connection.flush()
    }
}
