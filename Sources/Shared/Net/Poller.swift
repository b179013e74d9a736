import CLinux
import Glibc
import Synchronization

/// Tells when descriptors can be read or written: one epoll set and one thread for the whole process.
///
/// There is one per process because a descriptor number means the same everywhere in it, and one thread serves
/// tens of thousands of connections. The thread starts with the first connection, holds no lock while it wakes a
/// task, and also keeps the deadlines of waiting reads and writes. Source: man 7 epoll (edge-triggered).
package final class Poller: Sendable {
    package static let shared = Poller()

    private struct State {
        var watches: [UInt64: Readiness] = [:]
        var lastToken: UInt64 = 0
        /// Uptime in nanoseconds of the earliest deadline that the thread knows of.
        var alarm = Int64.max
    }
    private let state = Mutex(State())
    private let poll: Int32
    private let bell: Int32

    private static let events: UInt32 = 0x1 | 0x4 | 0x2000 | 1 << 31  // EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET

    private init() {
        poll = clinux_epoll_create()
        bell = clinux_eventfd()
        // A peer that went away is an error of that write, not the end of the program. OpenSSL writes without
        // MSG_NOSIGNAL.
        signal(SIGPIPE, SIG_IGN)
        _ = clinux_epoll_add(poll, bell, 0x1 | 1 << 31, 0)
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Poller>.fromOpaque(argument).takeRetainedValue().loop() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(started == 0, "the system refuses to start the network thread")
        pthread_detach(thread)
    }

    /// Watches an open, non-blocking descriptor until `remove`.
    func add(_ descriptor: borrowing Descriptor) throws(NetError) -> Readiness {
        let readiness = state.withLock { state in
            state.lastToken += 1
            let readiness = Readiness(token: state.lastToken)
            state.watches[state.lastToken] = readiness
            return readiness
        }
        guard clinux_epoll_add(poll, descriptor.raw, Poller.events, readiness.token) == 0 else {
            let code = errno
            remove(readiness)
            throw NetError("watch a connection", errno: code)
        }
        return readiness
    }

    /// Forgets a watch. Closing the descriptor takes it out of the epoll set.
    func remove(_ readiness: Readiness) {
        state.withLock { $0.watches[readiness.token] = nil }
    }

    /// Makes sure that the thread looks at deadlines no later than at `uptime`.
    func alarm(at uptime: Int64) {
        let isEarlier = state.withLock { state in
            guard uptime < state.alarm else { return false }
            state.alarm = uptime
            return true
        }
        if isEarlier {
            var one: UInt64 = 1
            _ = write(bell, &one, 8)
        }
    }

    private func loop() {
        var events = [clinux_event](repeating: clinux_event(), count: 256)
        var ready: [(Readiness, UInt32)] = []
        while true {
            let count = clinux_epoll_wait(poll, &events, 256, timeout())
            ready.removeAll(keepingCapacity: true)
            if count > 0 {
                state.withLock { state in
                    for event in events[..<Int(count)] {
                        if let readiness = state.watches[event.token] { ready.append((readiness, event.events)) }
                    }
                }
                for (readiness, events) in ready { readiness.signal(events) }
                if events[..<Int(count)].contains(where: { $0.token == 0 }) {
                    var value: UInt64 = 0
                    _ = read(bell, &value, 8)
                }
            }
            expire()
        }
    }

    private func timeout() -> Int32 {
        let alarm = state.withLock { $0.alarm }
        if alarm == .max { return -1 }
        let left = alarm - SystemClock().uptime().nanoseconds
        return Int32(clamping: max(0, (left + 999_999) / 1_000_000))
    }

    /// Ends the waits whose deadline has passed and finds the next one. Looks at every watch, at most once in 5 ms.
    private func expire() {
        let now = SystemClock().uptime().nanoseconds
        let watches: [Readiness]? = state.withLock { state in
            guard now >= state.alarm else { return nil }
            state.alarm = .max
            return Array(state.watches.values)
        }
        guard let watches else { return }
        var next = Int64.max
        for readiness in watches { next = min(next, readiness.expire(at: now)) }
        guard next < .max else { return }
        state.withLock { $0.alarm = min($0.alarm, max(next, now + 5_000_000)) }
    }
}
