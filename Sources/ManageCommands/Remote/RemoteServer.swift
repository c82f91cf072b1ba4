// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import AdminAPI
import FoundationEssentials
import Operations
import TestClient

/// A server on another machine, whose API for administrators runs the operations.
struct RemoteServer: Sendable {
    /// Scheme, host and port.
    let url: String
    let token: SecretText
    /// Whom to trust.
    let trust: TLSTrust

    /// For one request, its answer included: longer than any that waits for news.
    private static let timeout = Duration.seconds(60)
    /// How long a server that runs a job may be away.
    private static let maximumAbsence = Duration.seconds(30)
    private static let shortestPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(1)

    /// Runs an operation; a long one as a job, which Ctrl-C cancels.
    ///
    /// - Throws: `OperationError`, `CommandError`.
    func run<Operation: AdminOperation>(
        _ operation: Operation, progress: @escaping @Sendable (OperationProgress) async -> Void
    ) async throws -> Operation.Report {
        let request = try AdminRequest(operation)
        guard request.isLong else {
            return try Self.decoded(try await answer(to: request, changes: Operation.access == .write))
        }
        // From here on, so that no job is left alone.
        let interruptions = await CommandContext.current.interruptions()
        let started: JobReport = try Self.decoded(try await answer(to: request, changes: true))
        do {
            return try await Interruption.ending(by: interruptions) { try await follow(started.id, progress) }
        } catch is CancellationError {
            try await cancel(started.id)
            throw CommandError(
                .interrupted, "Interrupted; the server was asked to end the job, and what it has done until then stays."
            )
        }
    }

    // MARK: Jobs

    private struct JobResult<Report: Decodable>: Decodable {
        var result: Report?
    }

    private func follow<Report: Decodable>(
        _ id: String, _ progress: @Sendable (OperationProgress) async -> Void
    ) async throws -> Report {
        var pause = Self.shortestPause
        var shown: OperationProgress?
        while true {
            let bytes = try await state(of: id)
            let job: JobReport = try Self.decoded(bytes)
            if let step = job.progress, step != shown {
                await progress(step)
                shown = step
            }
            switch job.state {
            case .running: break
            case .done:
                let ended: JobResult<Report> = try Self.decoded(bytes)
                guard let result = ended.result else { throw Self.unreadable }
                return result
            case .failed:
                throw job.error ?? OperationError(.failed, "The job failed. See the server's log for details.")
            case .cancelled:
                throw CommandError(
                    .failed, "An administrator cancelled the job; what it had done until then stays.")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// The job as JSON, also when the server cannot be reached for a while.
    private func state(of id: String) async throws -> [UInt8] {
        let start = ContinuousClock.now
        while true {
            do {
                return try await answer(to: AdminRequest(job: id), changes: false)
            } catch let error as CommandError where error.status == .unavailable {
                guard start.duration(to: .now) < Self.maximumAbsence else {
                    throw CommandError(
                        .unavailable, error.message, nextStep: "The job may still be running; see GET …/jobs/\(id).")
                }
            } catch let error as OperationError where error.kind == .notFound {
                throw CommandError(
                    .failed, "The server does not know the job any more, as after a restart.",
                    nextStep: "Check what was done before you try again.")
            }
            try await Task.sleep(for: Self.longestPause)
        }
    }

    /// Asks a job to end, in a task that is not cancelled itself.
    private func cancel(_ id: String) async throws {
        do {
            _ = try await answer(to: AdminRequest(job: id, cancels: true), changes: true)
        } catch {
            let words = CommandError(reporting: error)?.message ?? ""
            throw CommandError(
                .interrupted, "Interrupted, but the job goes on: it could not be cancelled. \(words)",
                nextStep: "Cancel it with DELETE …/jobs/\(id).")
        }
    }

    // MARK: Requests

    /// The body of a good answer.
    private func answer(to request: AdminRequest, changes: Bool) async throws -> [UInt8] {
        var headers = [("Authorization", "Bearer \(token.clearText)"), ("Accept", "application/json")]
        if request.body != nil { headers.append(("Content-Type", "application/json")) }
        var options = ClientOptions(trust: trust)
        options.timeout = Self.timeout
        let answer: HTTPAnswer
        do {
            let call = HTTPCall(request.method, url + request.target, headers: headers, body: request.body)
            answer = try await HTTPClient.send(call, options: options)
        } catch .cancelled {
            throw CancellationError()
        } catch {
            throw RemoteRefusal.words(for: error, changes: changes)
        }
        guard 200..<300 ~= answer.status else { throw RemoteRefusal.error(for: answer, of: url) }
        return answer.body
    }

    private static let unreadable = CommandError(
        .failed, "The server's answer cannot be read.", nextStep: "Use the 'manage' of the same version as the server.")

    private static func decoded<Value: Decodable>(_ bytes: [UInt8]) throws(CommandError) -> Value {
        guard let value = try? JSONDecoder.forOperations.decode(Value.self, from: Data(bytes)) else {
            throw unreadable
        }
        return value
    }
}
