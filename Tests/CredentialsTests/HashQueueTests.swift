// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
import TestSupport
import Testing

@testable import Credentials

struct HashQueueTests {
    @Test func refusesBeyondTheWaitingLimit() async throws {
        let gate = Gate()
        let queue = HashQueue(simultaneous: 1, maximumWaiting: 2)

        await withTaskGroup(of: Result<Int, CredentialsError>.self) { group in
            for number in 0..<4 {
                group.addTask {
                    do throws(CredentialsError) {
                        return .success(
                            try await queue.perform {
                                gate.block()
                                return .success(number)
                            })
                    } catch {
                        return .failure(error)
                    }
                }
            }

            // Of four one runs, two wait and one must be refused; no other can end before the gate opens.
            #expect(await group.next() == .failure(.busy))
            gate.open()
            var answers: Set<Int> = []
            for await result in group {
                if case .success(let number) = result { answers.insert(number) }
            }
            #expect(answers.count == 3)
        }
    }

    @Test func cancellationTakesAWaitingJobOut() async throws {
        let gate = Gate()
        let queue = HashQueue(simultaneous: 1, maximumWaiting: 1)
        let (refusals, continuation) = AsyncStream.makeStream(of: Int.self)
        let jobs = (0..<3).map { number in
            Task { () -> Result<Bool, CredentialsError> in
                do throws(CredentialsError) {
                    return .success(
                        try await queue.perform {
                            gate.block()
                            return .success(true)
                        })
                } catch {
                    if error == .busy { continuation.yield(number) }
                    return .failure(error)
                }
            }
        }

        // Once one of three was refused, one runs and one waits.
        var iterator = refusals.makeAsyncIterator()
        let refused = try #require(await iterator.next())
        #expect(queue.load == (1, 1))
        for (number, job) in jobs.enumerated() where number != refused { job.cancel() }
        gate.open()

        var results: [Result<Bool, CredentialsError>] = []
        for (number, job) in jobs.enumerated() where number != refused { results.append(await job.value) }
        #expect(results.contains(.success(true)))
        #expect(results.contains(.failure(.cancelled)))
    }

    @Test func cancelledTaskNeverStarts() async {
        let queue = HashQueue(simultaneous: 1, maximumWaiting: 1)
        let task = Task { () -> CredentialsError? in
            withUnsafeCurrentTask { $0?.cancel() }
            do throws(CredentialsError) {
                return try await queue.perform { .success(nil) }
            } catch {
                return error
            }
        }

        #expect(await task.value == .cancelled)
        #expect(queue.load == (0, 0))
    }

    @Test func jobsRunInTheOrderTheyCameOnSeveralThreads() async throws {
        let queue = HashQueue(simultaneous: 2, maximumWaiting: 1000)

        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 { group.addTask { try await queue.perform { .success(number) } } }
            return try await group.reduce(0, +)
        }

        #expect(sum == 500 * 499 / 2)
    }

    @Test func failureOfTheWorkReachesTheCaller() async {
        let queue = HashQueue(simultaneous: 1, maximumWaiting: 1)

        await #expect(throws: CredentialsError.outOfMemory) {
            try await queue.perform { Result<Int, CredentialsError>.failure(.outOfMemory) }
        }
    }

    @Test func nobodyTakesAllPlacesOfTheQueue() async throws {
        let gate = Gate()
        let queue = HashQueue(simultaneous: 1, maximumWaiting: 32)
        let home = try #require(IPAddress("192.0.2.1"))
        let away = try #require(IPAddress("192.0.2.2"))
        let hash = { @Sendable (claimant: HashClaimant?) async -> Result<Int, CredentialsError> in
            do throws(CredentialsError) {
                return .success(
                    try await queue.perform(for: claimant) {
                        gate.block()
                        return .success(1)
                    })
            } catch {
                return .failure(error)
            }
        }
        // One runs; then two of the account's wait, up to 16 of the network's, and what takes the places that are left.
        let steps: [(claimant: HashClaimant?, count: Int, refused: HashClaimant?)] = [
            (nil, 1, nil), (HashClaimant(account: 1, network: home), 2, HashClaimant(account: 1, network: away)),
            (HashClaimant(network: home), 14, HashClaimant(account: 2, network: home)),
            (HashClaimant(account: 2, network: away), 1, nil), (nil, 15, HashClaimant(network: away)),
        ]
        let results = await withTaskGroup(of: Result<Int, CredentialsError>.self) { group in
            var inQueue = 0
            for step in steps {
                for _ in 0..<step.count { group.addTask { await hash(step.claimant) } }
                inQueue += step.count
                while queue.load.waiting + queue.load.running < inQueue { await Task.yield() }
                if let refused = step.refused { #expect(await hash(refused) == .failure(.busy)) }
            }
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }

        #expect(results == Array(repeating: .success(1), count: 33))
    }
}
