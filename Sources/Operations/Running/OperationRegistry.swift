// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Every operation by its name, with JSON in and JSON out, for faces that do not know the types.
package enum OperationRegistry {
    package static let all: [any AdminOperation.Type] = [
        DatabaseStatus.self, CheckDatabase.self, DatabaseStatistics.self, CollectGarbage.self, CreateSuperuser.self,
        ListSuperusers.self, DeleteSuperuser.self, CreateUser.self,
        ListUsers.self, ShowUser.self, UpdateUser.self,
        DeleteUser.self, SetPassword.self, ListSessions.self, LogOutUser.self, CreateFlow.self, ListFlows.self,
        ShowFlow.self, DeleteFlow.self, AddMember.self, RemoveMember.self, SeedFlows.self, IssueTestClientToken.self,
        EndTestClient.self, UpdateFlow.self, ListMessages.self, ShowMessage.self, SearchMessages.self,
        DeleteMessage.self, ExpireMessages.self, EraseUser.self, ExportUser.self,
        CreateInvite.self, ListInvites.self, RevokeInvite.self, ListNodes.self, DrainNode.self, ResumeNode.self,
        ReadLog.self, LimitUser.self, MeasureServer.self, SignAssignment.self, ServerAddresses.self,
        CheckSecrets.self, EndSession.self, RemoveSeed.self, CheckLogin.self,
        ShowLimits.self,
        ListAudit.self, VerifyAudit.self, CreateToken.self, ListTokens.self, RevokeToken.self, SetSecondFactor.self,
        ReloadServer.self, SetLogLevel.self, ReadServerLog.self, ListSettings.self, ChangeSetting.self,
        ListBackups.self, CreateBackup.self, VerifyBackup.self, DownloadBackup.self,
        ImportUsers.self, ImportContacts.self, ImportFlows.self, ImportMessages.self,
    ]

    private static let byName: [String: any AdminOperation.Type] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The operation of a name.
    package static func operation(named name: String) -> (any AdminOperation.Type)? { byName[name] }

    /// Answers one request such as `{"operation":"user.show","parameters":{"login":"alice"}}`.
    ///
    /// - Parameters:
    ///   - request: The request's JSON.
    ///   - context: What to work on; its progress is called beside the steps given to `send`.
    ///   - send: Gets each reply's JSON, one after the other: any number of `{"progress":{…}}`, then one
    ///     `{"result":{…}}` or `{"error":{…}}`.
    /// - Returns: The operation's name, if there is one of it, and how it ended.
    @discardableResult
    package static func answer(
        _ request: [UInt8], on context: OperationContext, send: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> (name: String?, error: OperationError?) {
        guard RequestCheck.accepts(request),
            let head = try? JSONDecoder.forOperations.decode(RequestHead.self, from: Data(request)),
            head.operation.utf8.count <= RequestCheck.maximumNameBytes
        else {
            let error = OperationError(.invalid, "The request is no JSON object with the name of an operation.")
            await send(encoded(OperationReply<Never?>.failure(error)))
            return (nil, error)
        }
        guard let operation = operation(named: head.operation) else {
            let error = OperationError(
                .invalid, "There is no operation '\(head.operation)'.",
                nextStep: "Use the 'manage' of the same version as the server.")
            await send(encoded(OperationReply<Never?>.failure(error)))
            return (nil, error)
        }
        return (operation.name, await answer(request, operation, on: context, send: send))
    }

    private static func answer<Operation: AdminOperation>(
        _ request: [UInt8], _: Operation.Type, on context: OperationContext,
        send: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> OperationError? {
        let context = context.acting(as: context.actor) { step in
            await context.progress(step)
            await send(encoded(OperationReply<Operation.Report>.progress(step)))
        }
        do throws(OperationError) {
            let operation: Operation
            do {
                operation = try JSONDecoder.forOperations.decode(OperationRequest<Operation>.self, from: Data(request))
                    .parameters
            } catch {
                throw OperationError(
                    .invalid, "The parameters do not fit the operation '\(Operation.name)'.",
                    nextStep: "Use the 'manage' of the same version as the server.")
            }
            let report = try await operation.perform(on: context)
            await send(encoded(OperationReply<Operation.Report>.result(report)))
            return nil
        } catch {
            await send(encoded(OperationReply<Operation.Report>.failure(error)))
            return error
        }
    }

    private static func encoded(_ reply: some Encodable) -> [UInt8] {
        do {
            return try Array(JSONEncoder.forOperations().encode(reply))
        } catch {
            // Reports hold texts, whole numbers and truth values only, which JSON always takes.
            return Array(#"{"error":{"kind":"failed","message":"The result cannot be written as JSON."}}"#.utf8)
        }
    }
}

private struct RequestHead: Decodable {
    var operation: String
}

/// A request as it travels.
package struct OperationRequest<Operation: AdminOperation>: Codable, Sendable {
    /// The operation's name.
    package var operation: String
    /// The operation's parameters.
    package var parameters: Operation

    package init(_ parameters: Operation) {
        operation = Operation.name
        self.parameters = parameters
    }

    /// The request's JSON.
    package func encoded() throws -> [UInt8] { try Array(JSONEncoder.forOperations().encode(self)) }
}

/// One reply as it travels.
package enum OperationReply<Report: Codable & Sendable>: Codable, Sendable {
    /// More replies follow.
    case progress(OperationProgress)
    /// Operation done.
    case result(Report)
    /// Operation failed.
    case failure(OperationError)

    private enum CodingKeys: String, CodingKey { case progress, result, error }

    /// Reads a reply's JSON.
    package init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder.forOperations.decode(Self.self, from: Data(bytes))
    }

    /// Reads an object with one of the members `progress`, `result` and `error`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if container.contains(.progress) {
            self = .progress(try container.decode(OperationProgress.self, forKey: .progress))
        } else if container.contains(.error) {
            self = .failure(try container.decode(OperationError.self, forKey: .error))
        } else {
            self = .result(try container.decode(Report.self, forKey: .result))
        }
    }

    /// Writes an object with one of the members `progress`, `result` and `error`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .progress(let step): try container.encode(step, forKey: .progress)
        case .result(let report): try container.encode(report, forKey: .result)
        case .failure(let error): try container.encode(error, forKey: .error)
        }
    }
}
