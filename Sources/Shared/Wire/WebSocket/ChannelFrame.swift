/// One message of exec, attach and port-forward over a WebSocket: its first byte names the channel.
/// Source: k8s.io/apimachinery `remotecommand` (`v4.channel.k8s.io`, `v5.channel.k8s.io`), KEP-4006.
package struct ChannelFrame: Equatable, Sendable {
    /// The protocols in the order of preference. Version 5 adds `close`.
    package static let protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]

    package enum Channel: UInt8, Sendable {
        case standardInput = 0
        case standardOutput = 1
        case standardError = 2
        /// A `Status` in JSON that ends the session.
        case error = 3
        /// `{"Width":80,"Height":24}` in JSON.
        case resize = 4
        /// Version 5: the one byte that follows names the channel that its sender has closed.
        case close = 255
    }
    package var channel: Channel
    package var bytes: [UInt8]

    package init(_ channel: Channel, _ bytes: [UInt8]) {
        self.channel = channel
        self.bytes = bytes
    }

    /// Says that no more bytes follow on `channel`.
    package static func closing(_ channel: Channel) -> ChannelFrame { ChannelFrame(.close, [channel.rawValue]) }

    /// Nil when the message is empty or its channel is unknown.
    package init?(_ message: [UInt8]) {
        guard let first = message.first, let channel = Channel(rawValue: first) else { return nil }
        self.init(channel, Array(message.dropFirst()))
    }

    package var encoded: [UInt8] { [channel.rawValue] + bytes }

    /// The channel that a `close` frame names; nil for another frame.
    package var closed: Channel? {
        guard channel == .close, bytes.count == 1 else { return nil }
        return Channel(rawValue: bytes[0])
    }

    /// The protocol that both sides speak: the client's first wish that is known here.
    package static func choose(from offered: [String]) -> String? {
        offered.flatMap { $0.split(separator: ",").map(\.trimmingSpaces) }.first { protocols.contains($0) }
    }
}
