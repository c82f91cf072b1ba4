// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Chat
import Credentials
import Dispatch
import FastChat
import Logging
import MTP
import Messenger
import NIOCore
import NIOHTTP1
import Skaro
import Storage

@testable import Transport

/// The loops of a node, in order.
private final class LoopGroup: EventLoopGroup, @unchecked Sendable {
    let loops: [SimulatedLoop]

    init(_ loops: [SimulatedLoop]) {
        self.loops = loops
    }

    func next() -> any EventLoop { loops[0] }
    func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }
    func shutdownGracefully(
        queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void
    ) {}
}

/// By how much a clock is wrong.
private final class ClockJump: @unchecked Sendable {
    var milliseconds: Int64 = 0
}

/// One server: the real domain and the real sessions over simulated sockets and a simulated store.
final class SimulatedNode: @unchecked Sendable {
    let process: SimulatedProcess
    let engine: SimulatedEngine
    let signals: SimulatedSignals
    let chat: Chat
    private let scheduler: Scheduler
    private let group: LoopGroup
    private let registry: ConnectionRegistry
    private let mtp: MTPService
    private let skaro: SkaroService
    private let messengerSettings: StreamChannel.Settings
    private let fastChatSettings: StreamChannel.Settings
    private var sockets: [SimulatedSocket] = []
    private(set) var isServing = true
    private(set) var wasKilled = false
    /// How far its clock has jumped.
    private let jump: ClockJump
    /// When it was last stalled.
    private(set) var lastStall = Duration.zero

    var name: String { process.name }

    init(_ name: String, world: World) {
        let scheduler = world.scheduler
        let process = SimulatedProcess(name)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let signals = SimulatedSignals(
            process: process, scheduler: scheduler, trace: world.trace, weather: StoreWeather(),
            seed: world.random.next())
        let engine = SimulatedEngine(
            world.database, signals: signals, process: process, scheduler: scheduler, trace: world.trace,
            weather: StoreWeather(), seed: world.random.next())
        // No two clocks show the same.
        let skew = Int64(world.random.time(.zero, .seconds(2)) / .milliseconds(1))
        let jump = ClockJump()
        self.jump = jump
        let storage = Storage(engine: engine) {
            Timestamp(
                milliseconds: World.start + skew + jump.milliseconds + Int64(scheduler.now / .milliseconds(1)))
        }
        var policy = ChatPolicy()
        policy.sharesStore = true
        policy.sealer = world.sealer
        let chat = Chat(storage: storage, hasher: world.hasher, policy: policy, logger: logger)
        let group = LoopGroup((1...2).map { SimulatedLoop("\(name)/\($0)", of: process, on: scheduler) })
        var limits = ConnectionRegistry.WebSocketLimits()
        limits.outboundBytes = world.outboundBytes
        let registry = ConnectionRegistry(group: group, limits: limits)

        var mtp = MTPService.Options()
        mtp.messagesPerAnswer = world.pageMessages
        var skaro = SkaroService.Options()
        skaro.messagesPerAnswer = world.pageMessages
        var stream = MessengerService.Options()
        stream.outboundBytes = world.outboundBytes
        let messenger = MessengerService(chat: chat, options: stream, registry: registry, logger: logger)
        self.mtp = MTPService(chat: chat, options: mtp, registry: registry, logger: logger)
        self.skaro = SkaroService(chat: chat, options: skaro, registry: registry, logger: logger)
        messengerSettings = StreamChannel.Settings(
            options: messenger.streamOptions, isSecure: false, registry: registry, load: ServerLoad(),
            makeSession: { messenger.makeSession($0) })
        var fast = FastChatService.Options()
        fast.outboundBytes = world.outboundBytes
        fast.address = { FastChatDevice.address }
        let fastChat = FastChatService(chat: chat, options: fast, registry: registry, logger: logger)
        fastChatSettings = StreamChannel.Settings(
            options: fastChat.streamOptions, isSecure: false, registry: registry, load: ServerLoad(),
            makeSession: { fastChat.makeSession($0) })
        self.scheduler = scheduler
        self.process = process
        self.signals = signals
        self.engine = engine
        self.chat = chat
        self.group = group
        self.registry = registry
        perform { chat in
            await chat.run()
            self.isServing = false
        }
    }

    /// Does `body` as a request of somebody at this node.
    func perform(_ body: @escaping @Sendable (Chat) async -> Void) {
        scheduler.as(process) {
            _ = Task { [chat] in await body(chat) }
        }
    }

    // MARK: Connections

    func connectMTP(_ peer: any SimulatedPeer, world: World) -> SimulatedSocket {
        connect(peer, mtp.route, world: world)
    }

    func connectSkaro(_ peer: any SimulatedPeer, world: World) -> SimulatedSocket {
        connect(peer, skaro.route, world: world)
    }

    func connectMessenger(_ peer: any SimulatedPeer, world: World) -> SimulatedSocket {
        connect(peer, messengerSettings, world: world)
    }

    func connectFastChat(_ peer: any SimulatedPeer, world: World) -> SimulatedSocket {
        connect(peer, fastChatSettings, world: world)
    }

    /// Opens a TCP connection.
    private func connect(
        _ peer: any SimulatedPeer, _ settings: StreamChannel.Settings, world: World
    ) -> SimulatedSocket {
        connect(peer, world: world) { [registry] channel in
            guard let loop = registry.loop(of: channel.eventLoop) else { return }
            try channel.pipeline.syncOperations.addHandler(StreamHandler(settings: settings, loop: loop))
        }
    }

    /// Opens a WebSocket connection on a route.
    private func connect(_ peer: any SimulatedPeer, _ route: WebSocketRoute, world: World) -> SimulatedSocket {
        connect(peer, world: world) { [registry] channel in
            guard let loop = registry.loop(of: channel.eventLoop) else { return }
            let handshake = WebSocketHandshake(
                uri: route.path, headers: [:], remoteAddress: channel.remoteAddress, isSecure: false)
            registry.connectionOpened()
            channel.closeFuture.whenComplete { _ in registry.connectionClosed() }
            let handler = WebSocketHandler(
                connection: WebSocketConnection(loop: loop, remoteAddress: channel.remoteAddress),
                session: route.makeSession(handshake), registry: registry)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
    }

    private func connect(
        _ peer: any SimulatedPeer, world: World, _ build: @escaping @Sendable (SimulatedChannel) throws -> Void
    ) -> SimulatedSocket {
        let loop = group.loops[Int(world.random.next() % UInt64(group.loops.count))]
        let socket = SimulatedSocket(
            to: loop, of: process, peer: peer, scheduler: scheduler, capacity: world.socketBytes,
            longestDelay: world.longestDelay, seed: world.random.next())
        sockets.removeAll { $0.isBroken }
        sockets.append(socket)
        socket.accept(build)
        return socket
    }

    // MARK: What befalls it

    /// The process is gone from one moment to the next.
    func kill() {
        isServing = false
        wasKilled = true
        scheduler.kill(process)
        for socket in sockets { socket.serverDied() }
    }

    /// As after SIGTERM: connections are told, what waits is committed.
    func stop() {
        isServing = false
        for socket in sockets { socket.drain() }
        perform { [registry] chat in
            await registry.allClosed()
            chat.close()
        }
    }

    func stall(for time: Duration) {
        lastStall = max(lastStall, scheduler.now + time)
        scheduler.stall(process, for: time)
    }

    /// Somebody sets its clock: ahead or back from the right time.
    func setClock(by milliseconds: Int64) { jump.milliseconds = milliseconds }

    /// The last moment at which something was wrong here.
    var lastTrouble: Duration { max(lastStall, engine.lastFault ?? .zero, signals.lastTrouble) }

    func expose(to weather: StoreWeather) {
        engine.expose(to: weather)
        signals.expose(to: weather)
    }

    func heal() {
        engine.heal()
        signals.heal()
        setClock(by: 0)
    }
}
