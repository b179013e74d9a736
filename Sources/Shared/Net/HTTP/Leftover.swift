import Synchronization

/// Bytes that are handed out once. A class: readers share it.
final class Leftover: Sendable {
    private let queue: Mutex<ByteQueue>

    init(_ bytes: [UInt8]) {
        var queue = ByteQueue()
        queue.append(bytes)
        self.queue = Mutex(queue)
    }

    /// Nil when all is gone.
    func take(most: Int) -> [UInt8]? { queue.withLock { $0.isEmpty ? nil : $0.take(most: max(1, most)) } }
}

/// The text of the `Date` header, made once a second.
enum HTTPDate {
    private static let cached = Mutex((second: Int64.min, text: ""))

    static func now() -> String {
        let now = SystemClock().now()
        return cached.withLock { cached in
            if cached.second != now.seconds { cached = (now.seconds, HTTPWriter.date(now)) }
            return cached.text
        }
    }
}
