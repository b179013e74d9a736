package import Shared
import Synchronization

/// A transport that loses some requests and some answers, by a seed: what a bad network does to a client.
/// Streams are left alone. A class: the seed moves on with every request.
package final class FaultyTransport: Transport {
    private let inner: any Transport
    private let random: Mutex<Seed>
    private let oneIn: UInt64
    private let losesAnswers: Bool

    /// - Parameters:
    ///   - oneIn: how many requests there are to one fault.
    ///   - losesAnswers: whether a request may have been carried out although it failed.
    package init(_ inner: any Transport, _ seed: Seed, oneIn: UInt64, losesAnswers: Bool) {
        self.inner = inner
        self.losesAnswers = losesAnswers
        self.oneIn = oneIn
        random = Mutex(seed)
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let roll = random.withLock { $0.next() % (2 * oneIn) }
        if roll == 0 { throw NetError(.closed, "the request was lost on purpose") }
        let answer = try await inner.send(request)
        if roll == 1, losesAnswers { throw NetError(.closed, "the answer was lost on purpose") }
        return answer
    }
    package func stream(_ request: HTTPRequest) async throws -> HTTPStream { try await inner.stream(request) }
    package func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
        try await inner.upgrade(request)
    }
}
