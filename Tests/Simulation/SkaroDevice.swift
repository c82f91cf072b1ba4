// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import CBOR
import Credentials
import NIOCore
import Skaro
import Storage

/// A client of skaro, which restores its session on the next connection.
final class SkaroDevice: Device, @unchecked Sendable {
    private enum Asked {
        case logIn
        case restore
        case send(Said)
    }

    private var asked: [Int64: Asked] = [:]
    private var lastRequest: Int64 = 0
    private var frames = FrameReader()
    private var challenge = ""
    private var isIn = false

    override var isReady: Bool { isConnected && isIn }
    override func open(_ node: SimulatedNode) -> SimulatedSocket { node.connectSkaro(self, world: world) }

    override func begin() {
        asked = [:]
        frames = FrameReader()
        isIn = false
    }

    private func ask(_ what: Asked, _ call: SkaroCall) {
        lastRequest += 1
        asked[lastRequest] = what
        socket?.write(FrameReader.frame(binary: call.encoded(id: .int(lastRequest))))
    }

    private func logIn() {
        // The old session is given up.
        token = ""
        let proof = HMACChallenge(Password(World.password)).answer(to: challenge)
        ask(.logIn, .authorize(login: account.login, proof: proof))
    }

    override func send(_ said: Said) {
        let conversation = said.conversation
        let other = conversation.kind == .chat ? conversation.members.first { $0 !== account } : nil
        ask(
            .send(said),
            .sendMessage(to: other?.login ?? conversation.uuid.description, body: said.text))
    }

    override func lost() {
        isIn = false
        for case .send(let said) in asked.values where said.outcome == .waiting { said.outcome = .unknown }
        asked = [:]
    }

    override func received(_ bytes: ByteBuffer) {
        frames.add(bytes)
        while let frame = frames.next() {
            switch frame {
            case .message(let message):
                do {
                    receive(try CBORValue(decoding: Array(message.readableBytesView)))
                } catch {
                    world.problem("\(name) cannot read a frame: \(error)")
                }
            case .close(let code):
                toldToGo(code)
                // What was revoked cannot be restored.
                if code == 1008 { token = "" }
                return disconnect()
            }
        }
    }

    private func receive(_ value: CBORValue) {
        switch value["type"]?.text {
        case "check_connection":
            challenge = value["token"]?.text ?? ""
            if token.isEmpty { logIn() } else { ask(.restore, .sessionRestore(sid: token)) }
        case "request": answered(value)
        case "show_message": take(value)
        case "changed_user_data", "info", "error": break
        default: world.problem("\(name) was sent \(value["type"]?.text ?? "something without a type")")
        }
    }

    private func answered(_ value: CBORValue) {
        guard let id = value["id"]?.int, let what = asked.removeValue(forKey: id) else {
            return world.problem("\(name) got an answer to nothing")
        }
        let status = value["status"]?.text ?? ""
        switch what {
        case .logIn, .restore:
            world.trace("\(name): log in is answered \(status)")
            if status.hasPrefix("200") {
                token = value["session_id"]?.text ?? ""
                session = world.session(of: token)
                isIn = true
            } else if status.hasPrefix("503") || status.hasPrefix("5") {
                tryAgain()
            } else if case .logIn = what, account.mayBeDeleted {
                disconnect()
            } else {
                logIn()
            }
        case .send(let said):
            if status.hasPrefix("200") {
                said.outcome = .done
                said.uuid = value["data"]?["id"]?.text
            } else if status.hasPrefix("5") {
                said.outcome = .unknown
            } else {
                said.outcome = .refused(status)
            }
            world.trace("\(name): \(said.text) is \(said.outcome)")
        }
    }

    private func tryAgain() {
        let connection = connections
        world.scheduler.after(.milliseconds(200), for: nil) { [self] in
            guard isConnected, connection == connections, !isIn else { return }
            if token.isEmpty { logIn() } else { ask(.restore, .sessionRestore(sid: token)) }
        }
    }

    private func take(_ value: CBORValue) {
        guard let node else { return }
        if !isIn { world.problem("\(name) is shown something before it is logged in") }
        let text = value["body"]?.text ?? ""
        world.trace("\(name) is shown \(text)")
        show(
            Shown(
                uuid: value["id"]?.text ?? "", text: text, isChanged: false, time: world.scheduler.now, node: node,
                connection: connections, session: session, isPushed: true))
    }

    override func mayShowTwice(_ before: Shown, _ again: Shown) -> Bool {
        world.mayHaveForgotten(before, again, by: self)
    }
}
