// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManageCommands

/// Which signals end a server at once.
struct EndRequestsTests {
    @Test func signalsOfOneMomentAreOneRequest() {
        let start = ContinuousClock.now
        var requests = EndRequests()

        #expect(requests.next(at: start) == .inOrder)
        #expect(requests.next(at: start) == .repeated)
        #expect(requests.next(at: start + EndRequests.moment - .nanoseconds(1)) == .repeated)
        #expect(requests.next(at: start + EndRequests.moment) == .atOnce)
    }

    @Test func aLaterSignalEndsAtOnce() {
        let start = ContinuousClock.now
        var requests = EndRequests()

        #expect(requests.next(at: start) == .inOrder)
        #expect(requests.next(at: start + .seconds(5)) == .atOnce)
    }
}
