import Glibc
import Synchronization

/// Looks after the input that is being read: when the process crashes in it, or stays in it for too long, the input is
/// written to standard error before the process ends. All in it may be called from a signal handler.
enum FuzzWatch {
    private static let address = Atomic<UInt>(0)
    private static let count = Atomic<Int>(0)
    private static let number = Atomic<Int>(0)
    private static let lastSeen = Atomic<Int>(-1)
    private static let target = Atomic<Int>(0)
    private static let seed = Atomic<UInt64>(0)
    /// A parser that needs longer for 64 kB hangs.
    private static let secondsMax: UInt32 = 10

    static func start(seed given: UInt64) {
        seed.store(given, ordering: .relaxed)
        for crash in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            signal(crash) { number in
                FuzzWatch.tell("crashed in")
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        signal(SIGALRM) { _ in
            let now = FuzzWatch.number.load(ordering: .relaxed)
            if FuzzWatch.lastSeen.exchange(now, ordering: .relaxed) == now {
                FuzzWatch.tell("hangs in")
                _exit(3)
            }
            alarm(FuzzWatch.secondsMax)
        }
        alarm(secondsMax)
    }

    /// Reads one input under the eyes of the watch.
    static func reading(_ input: [UInt8], target index: Int, number count: Int, _ body: () -> String?) -> String? {
        input.withUnsafeBufferPointer { bytes in
            address.store(UInt(bitPattern: bytes.baseAddress), ordering: .relaxed)
            self.count.store(bytes.count, ordering: .relaxed)
            target.store(index, ordering: .relaxed)
            number.store(count, ordering: .relaxed)
            return body()
        }
    }

    static func stop() {
        alarm(0)
        for crash in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM] { signal(crash, SIG_DFL) }
    }

    private static func tell(_ what: StaticString) {
        write(what)
        write(" input ")
        digits(UInt64(max(0, number.load(ordering: .relaxed))))
        write(" of parser ")
        digits(UInt64(max(0, target.load(ordering: .relaxed))))
        write(", seed ")
        digits(seed.load(ordering: .relaxed))
        write(":\n")
        let start = UnsafeRawPointer(bitPattern: address.load(ordering: .relaxed))
        _ = Glibc.write(STDERR_FILENO, start, count.load(ordering: .relaxed))
        write("\n")
    }
    private static func write(_ text: StaticString) {
        _ = Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }
    private static func digits(_ value: UInt64) {
        var scale: UInt64 = 1
        while value / scale >= 10 { scale *= 10 }
        while scale > 0 {
            var byte = UInt8(0x30 + value / scale % 10)
            _ = Glibc.write(STDERR_FILENO, &byte, 1)
            scale /= 10
        }
    }
}
