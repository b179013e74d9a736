import Dispatch
import Glibc

/// A service that ends on the first SIGTERM or SIGINT, which ends the program in order.
package struct StopSignals: Service {
    package init() {
        // A closed pipe or socket is an error of that write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        signal(SIGINT, SIG_IGN)
    }

    package func run() async throws {
        let queue = DispatchQueue(label: "signals")
        let sources = [SIGTERM, SIGINT].map { DispatchSource.makeSignalSource(signal: $0, queue: queue) }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        for source in sources {
            source.setEventHandler { continuation.yield() }
            source.resume()
        }
        defer { for source in sources { source.cancel() } }
        for await _ in stream { return }
    }
}
