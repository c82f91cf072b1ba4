// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import JSON
import MTP
import NIOCore
import Storage

/// A client of MTP with push on, which goes on at its last cursor.
final class MTPDevice: Device, @unchecked Sendable {
    private enum Asked {
        case update
        case send(Said)
        case change(Change)
    }

    private var asked: [Asked] = []
    private var frames = FrameReader()
    private var since: String?
    private var isUpdated = false

    override var showsChanges: Bool { true }
    override var isReady: Bool { isConnected && isUpdated }

    override func open(_ node: SimulatedNode) -> SimulatedSocket { node.connectMTP(self, world: world) }

    override func begin() {
        asked = []
        frames = FrameReader()
        isUpdated = false
        update()
    }

    private func update() {
        // From the beginning when nothing was read yet; then always from the cursor.
        ask(.update, .getUpdate, MTPData(time: since == nil ? 0 : nil), MTPMeta(push: true, since: since))
    }

    private func ask(_ what: Asked, _ method: MTPMethod, _ data: MTPData, _ meta: MTPMeta? = nil) {
        var data = data
        data.user = [UserObject(uuid: MTPIdentifier(account.uuid), authID: JSONText(token))]
        asked.append(what)
        socket?.write(FrameReader.frame(text: MTPRequest(method, data: data, meta: meta).encoded()))
    }

    override func send(_ said: Said) {
        ask(
            .send(said), .sendMessage,
            MTPData(
                flow: [FlowObject(uuid: MTPIdentifier(said.conversation.uuid))],
                message: [MessageObject(text: JSONText(said.text))]))
    }

    override func send(_ change: Change) {
        let uuid = change.said.uuid.map { MTPIdentifier($0) }
        if let text = change.text {
            ask(
                .change(change), .editedMessage,
                MTPData(message: [MessageObject(uuid: uuid, text: JSONText(text))]))
        } else {
            ask(
                .change(change), .deleteMessage,
                MTPData(
                    flow: [FlowObject(uuid: MTPIdentifier(change.said.conversation.uuid))],
                    message: [MessageObject(uuid: uuid)]))
        }
    }

    override func lost() {
        isUpdated = false
        for what in asked {
            switch what {
            case .send(let said): if said.outcome == .waiting { said.outcome = .unknown }
            case .change(let change): if change.outcome == .waiting { change.outcome = .unknown }
            case .update: break
            }
        }
        asked = []
    }

    override func received(_ bytes: ByteBuffer) {
        frames.add(bytes)
        while let frame = frames.next() {
            switch frame {
            case .message(let message):
                do {
                    receive(try MTPResponse(decoding: message))
                } catch {
                    world.problem("\(name) cannot read a frame: \(error)")
                }
            case .close(let code):
                toldToGo(code)
                if code == 1008 { isLoggedOut = true }
                disconnect()
                return
            }
        }
    }

    private func receive(_ response: MTPResponse) {
        if response.meta?.push == true {
            take(response, isPushed: true)
            return
        }
        guard !asked.isEmpty else { return world.problem("\(name) got an answer to nothing: \(response.type)") }
        let what = asked.removeFirst()
        if response.code == 401, case .update = what {
            isLoggedOut = true
            world.trace("\(name) is not known any more")
            return disconnect()
        }
        switch what {
        case .update: updated(response)
        case .send(let said): said.answered(response, world)
        case .change(let change):
            world.trace("\(name): \(change): \(response.code)")
            switch response.code {
            case 200:
                let isDisowned = change.text != nil && world.plants(.disowned)
                change.answered(isDisowned ? .refused("not at all") : .done)
            case 503, 504: change.answered(.unknown)
            default: change.answered(.refused("\(response.code)"))
            }
        }
    }

    private func updated(_ response: MTPResponse) {
        guard response.isSuccess else {
            // Push is asked for again.
            let connection = connections
            world.scheduler.after(.milliseconds(200), for: nil) { [self] in
                if isConnected, connection == connections { update() }
            }
            return
        }
        // What did not fit is pushed.
        take(response, isPushed: false)
        isUpdated = true
    }

    private func take(_ response: MTPResponse, isPushed: Bool) {
        guard let node else { return }
        for message in response.data?.message ?? [] {
            world.trace("\(name) is shown \(message.text?.string ?? "-")\(isPushed ? "" : " when it asks")")
            show(
                Shown(
                    uuid: message.uuid?.description ?? "", text: message.text?.string ?? "",
                    isChanged: message.editedStatus == true, time: world.scheduler.now, node: node,
                    connection: connections, session: session, isPushed: isPushed))
        }
        if let since = response.meta?.since { self.since = since }
    }
}

extension Said {
    fileprivate func answered(_ response: MTPResponse, _ world: World) {
        switch response.code {
        case 200:
            outcome = world.plants(.contradicted) ? .refused("not at all") : .done
            let name = response.data?.message?.first?.uuid
            uuid = name?.description
            if let name = name?.identifier, world.plants(.forgotten) { world.forget(name) }
            if Plant.asked == .forged, let name = name?.identifier, let stranger = world.stranger(to: conversation),
                world.plants(.forged)
            {
                world.forge(name, by: stranger)
            }
        case 503, 504: outcome = .unknown
        default: outcome = .refused("\(response.code) \(response.detail ?? "")")
        }
        world.trace("\(device.name): \(text) is \(outcome)")
    }
}

/// The client's side of WebSocket: frames without masks in, frames with an empty mask out.
struct FrameReader {
    enum Frame {
        case message(ByteBuffer)
        case close(Int)
    }

    private var bytes = ByteBuffer()

    mutating func add(_ more: ByteBuffer) {
        var more = more
        bytes.writeBuffer(&more)
    }

    mutating func next() -> Frame? {
        while let (opcode, payload) = read() {
            switch opcode {
            case 1, 2: return .message(payload)
            case 8: return .close(payload.getInteger(at: payload.readerIndex, as: UInt16.self).map(Int.init) ?? 1005)
            default: continue
            }
        }
        return nil
    }

    private mutating func read() -> (UInt8, ByteBuffer)? {
        var look = bytes
        guard let first = look.readInteger(as: UInt8.self), let second = look.readInteger(as: UInt8.self) else {
            return nil
        }
        var length = Int(second & 0x7F)
        if length == 126 {
            guard let long = look.readInteger(as: UInt16.self) else { return nil }
            length = Int(long)
        } else if length == 127 {
            guard let long = look.readInteger(as: UInt64.self) else { return nil }
            length = Int(long)
        }
        guard let payload = look.readSlice(length: length) else { return nil }
        bytes = look
        return (first & 0x0F, payload)
    }

    static func frame(text: [UInt8]) -> ByteBuffer { frame(1, text) }
    static func frame(binary: [UInt8]) -> ByteBuffer { frame(2, binary) }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(0x80 | opcode)
        switch payload.count {
        case ..<126: frame.writeInteger(0x80 | UInt8(payload.count))
        case ..<65536:
            frame.writeInteger(UInt8(0x80 | 126))
            frame.writeInteger(UInt16(payload.count))
        default:
            frame.writeInteger(UInt8(0x80 | 127))
            frame.writeInteger(UInt64(payload.count))
        }
        // A mask that changes nothing.
        frame.writeInteger(UInt32(0))
        frame.writeBytes(payload)
        return frame
    }
}
