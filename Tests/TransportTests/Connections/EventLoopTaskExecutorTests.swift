// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Testing

@testable import Transport

struct EventLoopTaskExecutorTests {
    @Test func taskStaysOnItsLoopAcrossSuspensions() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let registry = ConnectionRegistry(group: group)
        for eventLoop in group.makeIterator() {
            let executor = try #require(registry.taskExecutor(of: eventLoop))
            #expect(registry.taskExecutor(of: eventLoop) === executor)

            let wasInLoop = await Task(executorPreference: executor) {
                var results = [eventLoop.inEventLoop]
                await Task.yield()
                results.append(eventLoop.inEventLoop)
                try? await eventLoop.makeSucceededVoidFuture().get()
                results.append(eventLoop.inEventLoop)
                await withTaskGroup(of: Bool.self) { tasks in
                    tasks.addTask { eventLoop.inEventLoop }
                    for await result in tasks { results.append(result) }
                }
                return results
            }.value

            #expect(wasInLoop == [true, true, true, true])
        }
    }

    @Test func loopOfAnotherGroupHasNoExecutor() async throws {
        let registry = ConnectionRegistry(group: MultiThreadedEventLoopGroup.singleton)
        let other = MultiThreadedEventLoopGroup(numberOfThreads: 1)

        #expect(registry.taskExecutor(of: other.next()) == nil)

        try await other.shutdownGracefully()
    }
}
