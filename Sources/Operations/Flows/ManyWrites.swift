// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Storage

/// Writes of one kind, many of them under way at the same time, so that the batches of the log are full.
struct ManyWrites<W: LogWrite>: Sendable {
    /// Two full batches, so that the next one gathers while one is committed and other work still finds room.
    private static var window: Int { 2048 }
    /// The most results that are remembered.
    private static var maximumResults: Int { 100_000 }

    /// How many.
    var count: Int
    /// What they are, for the progress.
    var phase: String
    /// The write with this index, from 0, and its author; `nil` for the operator.
    var write: @Sendable (Int) -> (W, author: UserID?)

    private struct Answer: Sendable {
        var index: Int
        var result: Result<W.Result, ChatError>
    }

    /// Makes the writes.
    ///
    /// When the server has no room for one, it waits until another one of ours is done.
    ///
    /// - Returns: Their results, that of the first write in front; not all of very many.
    /// - Throws: At the first write that is refused; those under way are waited for.
    func run(on context: OperationContext) async throws(OperationError) -> [W.Result] {
        if count > 0 { try await context.recordNow() }
        let result = await withTaskGroup(of: Answer.self, returning: Result<[W.Result], OperationError>.self) { group in
            var waiting: [Int] = []
            var next = 0
            var underWay = 0
            var done = 0
            var first: [W.Result] = []
            var results: [W.Result] = []
            var hasRoom = true
            while done < count {
                if Task.isCancelled { return .failure(.interrupted) }
                while hasRoom, underWay < Self.window, !waiting.isEmpty || next < count {
                    let index = waiting.popLast() ?? next
                    if index == next { next += 1 }
                    underWay += 1
                    group.addTask { await answer(index, on: context.chat) }
                }
                guard let answer = await group.next() else { return .failure(OperationError(ChatError.busy)) }
                underWay -= 1
                switch answer.result {
                case .success(let result):
                    hasRoom = true
                    done += 1
                    if answer.index == 0 {
                        first = [result]
                    } else if results.count < Self.maximumResults {
                        results.append(result)
                    }
                    await tell(done, to: context)
                case .failure(.busy):
                    hasRoom = false
                    waiting.append(answer.index)
                case .failure(let error): return .failure(OperationError(error))
                }
            }
            return .success(first + results)
        }
        return try result.get()
    }

    private func answer(_ index: Int, on chat: Chat) async -> Answer {
        let (write, author) = write(index)
        do {
            return Answer(index: index, result: .success(try await chat.write(write, by: author).result))
        } catch {
            return Answer(index: index, result: .failure(error))
        }
    }

    /// Every hundredth part, but not more seldom than every 10,000.
    private func tell(_ done: Int, to context: OperationContext) async {
        guard done % max(1, min(10_000, count / 100)) == 0 || done == count else { return }
        await context.progress(OperationProgress(phase: phase, done: done, total: count))
    }
}
