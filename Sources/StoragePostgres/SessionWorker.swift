// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Storage
import Synchronization

/// A thread of the pool: runs one job after the other on its session, and watches the idle session's socket.
final class SessionWorker: Sendable {
    private enum Order {
        case job(SessionPool.Job)
        case leave
    }

    private let pool: SessionPool
    private let wakeUp: WakeUp
    private let order = Mutex<Order?>(nil)

    /// `nil` when the process has no descriptor left.
    init?(pool: SessionPool) {
        guard let wakeUp = WakeUp() else { return nil }
        self.pool = pool
        self.wakeUp = wakeUp
    }

    /// Gives an idle worker, which the pool has just taken off its list, its next job.
    func hand(_ job: SessionPool.Job) {
        order.withLock { $0 = .job(job) }
        wakeUp.signal()
    }

    /// Lets an idle worker, which the pool has just taken off its list, go.
    func dismiss() {
        order.withLock { $0 = .leave }
        wakeUp.signal()
    }

    /// The thread's body.
    func main(_ first: SessionPool.Job) {
        serve(first)
        pool.threadEnded()
    }

    private func serve(_ first: SessionPool.Job) {
        var session: PostgresSession?
        var job = first
        while true {
            let handOver = perform(job, on: &session)
            let turn = pool.turn(after: self)
            handOver()
            switch turn {
            case .job(let next): job = next
            case .stop: return
            case .park:
                guard let next = park(&session) else { return }
                job = next
            }
        }
    }

    private func perform(_ job: SessionPool.Job, on session: inout PostgresSession?) -> @Sendable () -> Void {
        if let idle = session {
            idle.checkHealth()
            pool.source.dropIfUnusable(&session)
        }
        do throws(StorageError) {
            let current: PostgresSession
            if let open = session { current = open } else { current = try pool.openSession() }
            session = current
            let handOver = job.run(current)
            pool.source.dropIfUnusable(&session)
            return handOver
        } catch {
            return { job.refuse(error) }
        }
    }

    /// Waits for the next order.
    ///
    /// - Returns: `nil` when the thread shall end.
    private func park(_ session: inout PostgresSession?) -> SessionPool.Job? {
        while true {
            var entries = [
                pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: session?.socket ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let ready = SocketWait.wait(&entries, atMost: pool.limits.idleTimeout)
            if ready == 0, pool.withdraw(self) { return nil }
            if entries[0].revents != 0 { wakeUp.clear() }
            switch order.withLock({ order in order.take() }) {
            case .job(let job): return job
            case .leave: return nil
            case nil: break
            }
            if entries[1].revents != 0 {
                session?.checkHealth()
                pool.source.dropIfUnusable(&session)
            }
        }
    }
}
