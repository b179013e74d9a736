extension Limits {
    /// Bytes of one SPDY control frame; a larger one ends the session.
    package static let spdyControlBytesMax = 64 * 1024
    /// Bytes of the headers of one SPDY stream after unpacking; more end the session.
    package static let spdyHeaderBytesMax = 64 * 1024
    /// Headers of one SPDY stream; more end the session.
    package static let spdyHeaderFieldsMax = 256
    /// Streams that are open in one SPDY session; a further one is refused.
    package static let spdyStreamsMax = 1000
    /// Bytes that wait in one SPDY stream for their reader; the session is not read on while a stream is full.
    package static let spdyStreamBytesMax = 256 * 1024
    /// Bytes of one data frame that is sent.
    package static let spdyDataBytes = 32 * 1024
}
