// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Bounds
package import Credentials
package import Logging
package import Operations
import Synchronization
package import Web

/// The HTTP API of administrators: the operations below `/admin/api/v1`, for bearers of a token.
package final class AdminAPI: Sendable {
    /// Says whom a token belongs to; `nil` for one that is unknown, revoked or over.
    package typealias Authentication = @Sendable (SecretText) async throws(OperationError) -> AdminPrincipal?

    /// The largest body of a request.
    package static let maximumBodyBytes = 1 << 20
    /// The longest token.
    private static let maximumTokenBytes = 512
    /// What every answer says beside its type.
    static let headers: [(name: String, value: String)] = [
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]

    private let context: OperationContext
    let jobs: JobBoard
    private let authenticate: Authentication
    private let endpoints: [AdminEndpoint]
    private let openAPI: [UInt8]
    private let throttle = Mutex(LoginThrottle<ContinuousClock.Instant>())
    private let now: @Sendable () -> ContinuousClock.Instant
    private let logger: Logger

    /// Creates the API.
    ///
    /// - Parameters:
    ///   - context: What operations work on; its actor is replaced by the bearer.
    ///   - jobs: Runs long operations.
    ///   - authenticate: Says whom a token belongs to.
    ///   - now: The time; only differences matter.
    ///   - logger: Told which operations were run, without their parameters.
    /// - Throws: When an operation has no schema.
    package init(
        context: OperationContext, jobs: JobBoard, authenticate: @escaping Authentication,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, logger: Logger
    ) throws {
        self.context = context
        self.jobs = jobs
        self.authenticate = authenticate
        self.now = now
        self.logger = logger
        endpoints = try AdminEndpoint.all()
        openAPI = try OpenAPIDocument.bytes()
    }

    package func answer(_ call: APICall) async -> APIAnswer {
        do throws(Problem) {
            return try await answered(call)
        } catch {
            return error.answer
        }
    }

    private func answered(_ call: APICall) async throws(Problem) -> APIAnswer {
        // A request for the head alone is answered as one for the whole, and the body is left out.
        let method = call.method == "HEAD" ? "GET" : call.method
        let target = try CallTarget(path: call.path, query: call.query)
        if let target, target.parts == ["openapi.json"] {
            try Self.check(method, allowed: ["GET"])
            return Self.json(openAPI)
        }
        let principal = try await principal(of: call)
        guard let target else { throw Self.noSuchPath }
        let actor = OperationActor(name: principal.name, face: .api, address: call.address, scope: principal.scope)
        if target.parts.first == "jobs" { return try await answerJobs(method, target, call, actor) }
        let found = endpoints.compactMap { endpoint in endpoint.values(in: target.parts).map { (endpoint, $0) } }
        guard !found.isEmpty else { throw Self.noSuchPath }
        guard let (endpoint, path) = found.first(where: { $0.0.method.rawValue == method }) else {
            throw Self.notAllowed(found.map(\.0.method.rawValue))
        }
        try Self.checkAccept(call)
        guard actor.scope == .write || endpoint.operation.access == .read else {
            throw await refusal(of: endpoint, path, target, call, by: actor)
        }
        let given = try endpoint.read(path: path, query: target.query, body: await body(of: call, for: endpoint))
        try endpoint.checkConfirmation(target.query, parts: target.parts)
        let parameters = endpoint.parameters(with: given, principal: principal.name)
        return try await run(endpoint, parameters, target, by: actor)
    }

    // MARK: Who asks

    private func principal(of call: APICall) async throws(Problem) -> AdminPrincipal {
        let address = IPAddress(call.address)
        guard call.isEncrypted || address?.isLoopback == true else {
            throw Problem(
                403, "not_encrypted", "Not encrypted", "The API is served over TLS, and in clear to this machine only.",
                nextStep: "Set [TLS], or put a proxy in front that [SERVER] TRUSTED_PROXIES names.")
        }
        guard let authorization = call.authorization else { throw Self.unauthorized("A token is needed.") }
        let network = address?.network ?? .unspecified
        let decision = throttle.withLock { $0.decision(account: Self.throttled, network: network, now: now()) }
        if case .wait(let duration) = decision {
            let seconds = max(1, duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0))
            throw Problem(
                429, "throttled", "Too many wrong tokens", "Too many wrong tokens came from this address.",
                nextStep: "Try again in \(seconds) seconds.", headers: [("Retry-After", "\(seconds)")])
        }
        var principal: AdminPrincipal?
        if let token = Self.token(in: authorization) {
            do { principal = try await authenticate(token) } catch { throw Problem(error) }
        }
        guard let principal else {
            throttle.withLock { $0.failed(account: Self.throttled, network: network, now: now()) }
            logger.warning("Wrong token for the API", metadata: ["address": "\(call.address)"])
            throw Self.unauthorized("The token is unknown, revoked or expired.", error: "invalid_token")
        }
        throttle.withLock { $0.succeeded(account: Self.throttled, network: network) }
        return principal
    }

    /// Whether the token with which a request was allowed still is one, as far as that can be asked.
    func isValid(_ authorization: String?) async -> Bool {
        guard let authorization, let token = Self.token(in: authorization) else { return false }
        do { return try await authenticate(token) != nil } catch { return true }
    }

    /// What wrong tokens are counted under: a token names no administrator before it is known.
    private static let throttled = "admin api"

    private static func unauthorized(_ detail: String, error: String? = nil) -> Problem {
        let challenge = #"Bearer realm="parley""# + (error.map { #", error="\#($0)""# } ?? "")
        return Problem(
            401, "unauthorized", "No valid token", detail,
            nextStep: "Send 'Authorization: Bearer TOKEN' with a token of 'manage token create'.",
            headers: [("WWW-Authenticate", challenge)])
    }

    private static func token(in authorization: String) -> SecretText? {
        let parts = authorization.utf8.split(separator: UInt8(ascii: " "))
        guard parts.count == 2, parts[1].count <= maximumTokenBytes,
            String(decoding: parts[0], as: UTF8.self).lowercased() == "bearer"
        else { return nil }
        return SecretText(String(decoding: parts[1], as: UTF8.self))
    }

    /// Why a token that only looks changes nothing; the operation itself refuses, which is recorded.
    private func refusal(
        of endpoint: AdminEndpoint, _ path: [String: String], _ target: CallTarget, _ call: APICall,
        by actor: OperationActor
    ) async -> Problem {
        var error = OperationError(.refused, "The scope of this token is read.")
        do throws(Problem) {
            let given = try endpoint.read(path: path, query: target.query, body: await body(of: call, for: endpoint))
            let parameters = endpoint.parameters(with: given, principal: actor.name)
            do throws(OperationError) {
                _ = try await endpoint.run(parameters, context.acting(as: actor))
            } catch let refused {
                error = refused
            }
        } catch {
            // What does not fit is nothing that was asked for.
        }
        return Self.insufficientScope(error)
    }

    static func insufficientScope(_ error: OperationError) -> Problem {
        Problem(
            403, "insufficient_scope", "The token only reads", error.message, nextStep: error.nextStep,
            headers: [("WWW-Authenticate", #"Bearer realm="parley", error="insufficient_scope", scope="write""#)])
    }

    // MARK: What is asked

    static let noSuchPath = Problem(
        404, "not_found", "Not found", "There is nothing at this address.",
        nextStep: "GET \(CallTarget.root)/openapi.json lists what there is.")

    static func check(_ method: String, allowed: [String]) throws(Problem) {
        if !allowed.contains(method) { throw notAllowed(allowed) }
    }

    private static func notAllowed(_ methods: [String]) -> Problem {
        let all = methods + (methods.contains("GET") ? ["HEAD"] : [])
        return Problem(
            405, "method_not_allowed", "Method not allowed", "This address does not take this method.",
            headers: [("Allow", all.joined(separator: ", "))])
    }

    /// Whether the client takes JSON, as what has no `Accept` does.
    static func accepts(_ call: APICall, _ types: [String]) -> Bool {
        guard let accept = call.accept else { return true }
        return accept.utf8.split(separator: UInt8(ascii: ",")).contains { range in
            let parts = range.split(separator: UInt8(ascii: ";")).map { part in
                String(decoding: part.filter { $0 != UInt8(ascii: " ") && $0 != 9 }, as: UTF8.self).lowercased()
            }
            guard let type = parts.first, types.contains(type) else { return false }
            return !parts.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
        }
    }

    static func checkAccept(_ call: APICall) throws(Problem) {
        guard !accepts(call, ["*/*", "application/*", "application/json"]) else { return }
        throw Problem(
            406, "not_acceptable", "Not acceptable", "The answer is JSON, which the request does not accept.",
            nextStep: "Send 'Accept: application/json'.")
    }

    private func body(of call: APICall, for endpoint: AdminEndpoint) async throws(Problem) -> [UInt8] {
        guard endpoint.method.hasBody else { return [] }
        let read: [UInt8]?
        do { read = try await call.body(Self.maximumBodyBytes) } catch {
            throw Problem(400, "malformed", "Malformed body", "The body ended early.")
        }
        guard let bytes = read else {
            throw Problem(
                413, "too_large", "Body too large", "A body has at most \(Self.maximumBodyBytes) bytes.")
        }
        let type = call.contentType?.prefix { $0 != ";" }.lowercased()
        guard bytes.isEmpty || type == "application/json" else {
            throw Problem(
                415, "unsupported_media_type", "Unsupported type of body", "A body is JSON.",
                nextStep: "Send 'Content-Type: application/json'.")
        }
        return bytes
    }

    // MARK: What is done

    private func run(
        _ endpoint: AdminEndpoint, _ parameters: JSONTree, _ target: CallTarget, by actor: OperationActor
    ) async throws(Problem) -> APIAnswer {
        let work: JobBoard.Work = { [context, logger] (progress) async throws(OperationError) -> [UInt8] in
            let name = endpoint.operation.name
            do throws(OperationError) {
                let report = try await endpoint.run(parameters, context.acting(as: actor, progress: progress))
                logger.log(
                    level: endpoint.operation.isWatching ? .debug : .info, "Operation done",
                    metadata: ["admin.operation": "\(name)", "admin.user": "\(actor.name)"])
                return report
            } catch {
                logger.log(
                    level: endpoint.operation.isWatching && Task.isCancelled ? .debug : .info, "Operation failed",
                    metadata: [
                        "admin.operation": "\(name)", "admin.user": "\(actor.name)",
                        "admin.error.kind": "\(error.kind.rawValue)",
                    ])
                throw error
            }
        }
        do throws(OperationError) {
            if endpoint.operation.isLong {
                return Self.started(try jobs.start(endpoint.operation.name, by: actor.name, work))
            }
            let report = try await work { _ in }
            var answer = Self.json(report, status: endpoint.status)
            answer.headers += endpoint.headers(of: report, target: target)
            return answer
        } catch {
            throw Problem(error)
        }
    }

    static func json(_ bytes: [UInt8], status: Int = 200) -> APIAnswer {
        APIAnswer(status: status, headers: [("Content-Type", "application/json")] + headers, body: .bytes(bytes))
    }
}
