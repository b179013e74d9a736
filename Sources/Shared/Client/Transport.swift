/// How a client reaches an API server: over HTTP, or within the same process.
package protocol Transport: Sendable {
    /// One exchange with the whole answer in memory. Any status is an answer; throws when there was none.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
    /// One exchange whose body is read as it arrives. In-process, every piece of a watch is one whole event line.
    func stream(_ request: HTTPRequest) async throws -> HTTPStream
    /// Asks to switch protocols. With status 101 the channel is the caller's; with any other it is nil and the
    /// response says why.
    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?)
}
