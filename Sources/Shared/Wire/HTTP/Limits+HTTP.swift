extension Limits {
    /// Bytes of a request's or answer's first line and headers; more are refused with 431. Source: Go's
    /// `DefaultMaxHeaderBytes`.
    package static let headerBytesMax = 1 << 20
    /// Header fields of a message; more are refused with 431.
    package static let headerFieldsMax = 500
    /// Bytes of a request line; a longer one is refused with 414.
    package static let requestLineBytesMax = 256 * 1024
    /// Bytes of the line before a chunk, and of the fields after the last one; more break the message.
    package static let chunkLineBytesMax = 4096
    /// Body of an answer that is read as a whole; a larger one is an error of the call.
    package static let responseBytesMax = 1 << 30
}
