import Glibc

/// Calls a handler when a descriptor can be read, and another at a time. One thread, in which everything happens.
final class Loop {
    private var handlers: [Int32: () -> Void] = [:]
    private var writers: [Int32: () -> Void] = [:]
    private var timers: [(at: Int64, body: () -> Void)] = []
    var isDone = false

    func watch(_ descriptor: Int32, _ body: @escaping () -> Void) { handlers[descriptor] = body }
    func forget(_ descriptor: Int32) { handlers[descriptor] = nil }
    /// Calls the handler when the descriptor takes bytes, or nobody will read them.
    func watchRoom(_ descriptor: Int32, _ body: @escaping () -> Void) { writers[descriptor] = body }
    func forgetRoom(_ descriptor: Int32) { writers[descriptor] = nil }
    func after(millis: Int64, _ body: @escaping () -> Void) { timers.append((uptimeMillis() + millis, body)) }

    func run() {
        while !isDone {
            var waiting = handlers.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            waiting += writers.keys.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
            let next = timers.map(\.at).min()
            let wait = next.map { Int32(clamping: max(0, $0 - uptimeMillis())) } ?? -1
            let ready = poll(&waiting, nfds_t(waiting.count), wait)
            if ready > 0 {
                for entry in waiting where entry.revents != 0 {
                    if entry.events == Int16(POLLOUT) { writers[entry.fd]?() } else { handlers[entry.fd]?() }
                }
            }
            let now = uptimeMillis()
            let due = timers.filter { $0.at <= now }
            timers.removeAll { $0.at <= now }
            for timer in due { timer.body() }
        }
    }
}
