// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A program under test, or one that helps to test it, as a child process.
///
/// It dies with the tests, also when they are killed.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Equatable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private struct State {
        var pid: pid_t
        var openOutputs = 2
        var ending: Ending?
        var waiters: [CheckedContinuation<Ending, Never>] = []
    }

    let output: TextLog
    let errors: TextLog
    /// Its number, also of a program that was started by others in between.
    var id: Int32 { box.state.withLock { $0.pid } }
    private let box: Box
    private static let loop = MultiThreadedEventLoopGroup.singleton.next()

    private final class Box: Sendable {
        let state = Mutex(State(pid: 0))

        /// Called at the end of each output; after the second one the process is gone, or about to be.
        func outputEnded() {
            let pid = state.withLock { state -> pid_t? in
                state.openOutputs -= 1
                return state.openOutputs == 0 ? state.pid : nil
            }
            guard let pid else { return }
            NIOThreadPool.singleton.submit { [self] _ in reap(pid) }
        }

        private func reap(_ pid: pid_t) {
            // The process is kept as a zombie until its number can no longer be signalled here.
            var information = siginfo_t()
            while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            let (ending, waiters) = state.withLock { state in
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                let ending: Ending =
                    status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
                state.ending = ending
                defer { state.waiters = [] }
                return (ending, state.waiters)
            }
            for waiter in waiters { waiter.resume(returning: ending) }
        }
    }

    private init(box: Box) {
        self.box = box
        output = TextLog { box.outputEnded() }
        errors = TextLog { box.outputEnded() }
    }

    /// Starts a program that is named by its path or stands in `PATH`.
    ///
    /// `input` is all of its standard input, at most 64 KiB.
    static func start(
        _ words: [String], input: String = "", environment: [String: String], folder: String
    ) async throws -> ChildProcess {
        let box = Box()
        let process = ChildProcess(box: box)
        // The kernel ends a child with the thread that started it: it must be one that stays. And always the same one:
        // between a pipe and its mark no other child may start.
        let (pid, output, errors) = try await loop.submit {
            let pipes = try (input: Pipe(holding: input), output: Pipe(), errors: Pipe())
            let childEnds = [pipes.input.reading, pipes.output.writing, pipes.errors.writing]
            defer {
                for descriptor in childEnds + [pipes.input.writing] { close(descriptor) }
            }
            let dyingWithUs = ["/usr/bin/env", "--chdir", folder, "/usr/bin/setpriv", "--pdeathsig", "KILL", "--"]
            let pid = try spawn(dyingWithUs + words, environment: environment, descriptors: childEnds)
            return (pid, pipes.output.reading, pipes.errors.reading)
        }.get()
        box.state.withLock { $0.pid = pid }
        for (descriptor, text) in [(output, process.output), (errors, process.errors)] {
            _ = try await NIOPipeBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(TextLogReader(text))
                    }
                }
                .takingOwnershipOfDescriptor(input: descriptor).get()
        }
        return process
    }

    /// Its number; programs that stand before another one keep theirs for it.
    var pid: Int32 { box.state.withLock { $0.pid } }

    /// Sends a signal; nothing happens when the process has ended.
    func send(_ signal: Int32) {
        box.state.withLock { state in
            if state.ending == nil { kill(state.pid, signal) }
        }
    }

    /// Waits for the end of the process.
    func ended() async -> Ending {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ending = box.state.withLock { state -> Ending? in
                    if state.ending == nil { state.waiters.append(continuation) }
                    return state.ending
                }
                if let ending { continuation.resume(returning: ending) }
            }
        } onCancel: {
            send(SIGKILL)
        }
    }

    /// `posix_spawn_file_actions_addclosefrom_np` (glibc 2.34), which the module of the C library does not have.
    private static let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map { function in
        unsafeBitCast(
            function, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt).self)
    }

    private static func spawn(
        _ words: [String], environment: [String: String], descriptors: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        // NIO's sockets are not closed by exec: the connections of other tests would stay open as long as this child.
        guard let closeFrom = Self.closeFrom, closeFrom(&actions, Int32(descriptors.count)) == 0 else {
            throw Failure(description: "descriptors cannot be kept from \(words)")
        }
        // Whoever runs the tests may ignore or block signals; the child is not to.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer {
            for pointer in arguments + variables { free(pointer) }
        }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, words[0], &actions, &attributes, &arguments, &variables)
        guard status == 0 else { throw Failure(description: "\(words) cannot be started: \(status)") }
        return pid
    }
}

/// Two ends of a pipe, not inherited by other children.
private struct Pipe {
    let reading: Int32
    let writing: Int32

    init(holding text: String = "") throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ChildProcess.Failure(description: "no pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
        guard write(writing, text, text.utf8.count) == text.utf8.count else {
            throw ChildProcess.Failure(description: "the input is too long for a pipe")
        }
    }
}
