// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import Operations
import Web

/// `/admin/api/v1/jobs`: long operations that go on by themselves.
extension AdminAPI {
    private static let eventStream = "text/event-stream"

    func answerJobs(
        _ method: String, _ target: CallTarget, _ call: APICall, _ actor: OperationActor
    ) async throws(Problem) -> APIAnswer {
        guard target.parts.count <= 2 else { throw Self.noSuchPath }
        let id = target.parts.count == 2 ? target.parts[1] : nil
        try Self.check(method, allowed: id == nil ? ["GET"] : ["GET", "DELETE"])
        if let name = target.query.first?.name {
            throw Problem(JSONSchema.Mismatch(member: name, message: "There is no parameter '\(name)'."))
        }
        let wantsEvents = call.accept != nil && Self.accepts(call, [Self.eventStream])
        if method == "GET", wantsEvents {
            return events(try Self.asking { () throws(OperationError) in try jobs.changes(of: id) }, for: call)
        }
        try Self.checkAccept(call)
        guard let id else { return Self.json(Self.list(jobs.jobs)) }
        let job = try Self.asking { () throws(OperationError) in try jobs.job(id) }
        guard method == "DELETE" else { return Self.json(job.json) }
        guard actor.scope == .write else {
            throw Self.insufficientScope(OperationError(.refused, "The scope of this token is read."))
        }
        let cancelled = try Self.asking { () throws(OperationError) in try jobs.cancel(id) }
        return Self.json(cancelled.json, status: 202)
    }

    private static func asking<Value>(_ body: () throws(OperationError) -> Value) throws(Problem) -> Value {
        do { return try body() } catch { throw Problem(error) }
    }

    /// 202 with the job and, in `Location`, its address.
    static func started(_ job: JobSnapshot) -> APIAnswer {
        var answer = json(job.json, status: 202)
        answer.headers.append(("Location", "\(CallTarget.root)/jobs/\(job.report.id)"))
        return answer
    }

    private static func list(_ jobs: [JobSnapshot]) -> [UInt8] {
        Array(#"{"jobs":["#.utf8) + jobs.map(\.json).joined(separator: [UInt8(ascii: ",")]) + Array("]}".utf8)
    }

    /// Each change as an event whose data is the job, as long as the token is valid.
    private func events(_ changes: AsyncStream<JobSnapshot?>, for call: APICall) -> APIAnswer {
        APIAnswer(
            status: 200, headers: [("Content-Type", Self.eventStream), ("X-Accel-Buffering", "no")] + Self.headers,
            body: .stream { write in
                for await change in changes {
                    guard await self.isValid(call.authorization) else { return }
                    // A comment keeps proxies from ending a connection on which nothing happens.
                    guard let change else {
                        try await write(Array(":\n\n".utf8))
                        continue
                    }
                    try await write(Array("event: job\ndata: ".utf8) + change.json + Array("\n\n".utf8))
                }
            })
    }
}

extension AdminEndpoint {
    /// Where the next page and what was made are.
    func headers(of report: [UInt8], target: CallTarget) -> [(name: String, value: String)] {
        // A page of our own may have more values than a text from outside.
        let limits = JSONLimits(depth: 32, values: 1 << 24)
        guard isPaged || location != nil, let value = try? JSONValue.parse(report, limits: limits) else { return [] }
        let path = CallTarget.root + target.parts.map { "/" + AddressText.encoded($0) }.joined()
        if let location, let name = value[location]?.string {
            return [("Location", "\(path)/\(AddressText.encoded(name))")]
        }
        guard isPaged, let next = value["next"]?.int else { return [] }
        let query = target.query.filter { $0.name != "after" } + [("after", "\(next)")]
        let pairs = query.map { "\(AddressText.encoded($0.name))=\(AddressText.encoded($0.value))" }
        return [("Link", "<\(path)?\(pairs.joined(separator: "&"))>; rel=\"next\"")]
    }
}
