import Shared

extension Limits {
    /// How often a followed log is looked at, milliseconds.
    static let logPollMilliseconds = 100
    /// Records that one look at a log keeps in memory; of more, the oldest are left out.
    static let logRecordsMax = 1_000_000
    /// Bytes of input that wait for a program that does not read; then its client is not read on.
    static let terminalInputBytesMax = 1 << 20
    /// Bytes of one message about a terminal's size; a longer one ends the stream.
    static let terminalSizeBytesMax = 4096
    /// Seconds in which a client must have opened the streams that it asked for. Source: kubelet
    /// `DefaultStreamCreationTimeout`.
    static let streamCreationSeconds = 30
    /// Seconds that a client has to take the end of a session before its connection is cut.
    static let lingerSeconds = 2
    /// Milliseconds without output after which the streams of a program that has exited count as ended.
    static let leftOutputMilliseconds = 1000
    /// Ports that one WebSocket forwards; more are refused.
    static let forwardedPortsMax = 64
}
