extension Limits {
    /// Bytes of one WebSocket message, all fragments together; a larger one closes the channel with 1009.
    package static let webSocketMessageBytesMax = 4 * 1024 * 1024
    /// Bytes of the payload of a control frame; more close the channel with 1002. Source: RFC 6455 section 5.5.
    package static let webSocketControlBytesMax = 125
}
