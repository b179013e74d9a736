/// The subprotocols that carry channels over a WebSocket. Source: k8s.io/apiserver `wsstream`, apimachinery
/// `remotecommand`.
package struct ChannelProtocol: Equatable, Sendable {
    /// As in `Sec-WebSocket-Protocol`; empty when the client names none.
    package let name: String
    /// 4 and later end with a `Status`, 5 can close a channel.
    package let version: Int
    /// Messages are text: the digit of the channel, then the bytes in Base64.
    package let isText: Bool

    private static let known = [
        ChannelProtocol(name: "v5.channel.k8s.io", version: 5, isText: false),
        ChannelProtocol(name: "v4.channel.k8s.io", version: 4, isText: false),
        ChannelProtocol(name: "v4.base64.channel.k8s.io", version: 4, isText: true),
        ChannelProtocol(name: "channel.k8s.io", version: 1, isText: false),
        ChannelProtocol(name: "base64.channel.k8s.io", version: 1, isText: true),
    ]
    private static let unnamed = ChannelProtocol(name: "", version: 1, isText: false)

    /// The client's first wish that is known here; a client without a wish gets plain channels. Nil when none fits.
    /// - Parameter version: the latest that the caller speaks.
    package static func choose(from offered: [String], upTo version: Int = 5) -> ChannelProtocol? {
        let names = offered.flatMap { $0.split(separator: ",").map(\.trimmingSpaces) }
        if names.isEmpty { return unnamed }
        return names.lazy.compactMap { name in known.first { $0.name == name && $0.version <= version } }.first
    }

    /// Nil for a message that is none of this protocol's.
    package func frame(_ message: WebSocketMessage) -> ChannelFrame? { bytes(message).flatMap { ChannelFrame($0) } }

    /// The number of the channel and what follows it; port-forward counts its channels on.
    package func bytes(_ message: WebSocketMessage) -> [UInt8]? {
        switch message {
        case .binary(let bytes): return isText ? nil : bytes
        case .text(let text):
            if !isText { return Array(text.utf8) }
            guard let digit = text.utf8.first, (0x30...0x39).contains(digit),
                let bytes = Base64.decode(String(text.dropFirst()))
            else { return nil }
            return [digit - 0x30] + bytes
        default: return nil
        }
    }

    package func message(_ frame: ChannelFrame) -> WebSocketMessage {
        message(channel: frame.channel.rawValue, frame.bytes)
    }
    package func message(channel: UInt8, _ bytes: [UInt8]) -> WebSocketMessage {
        isText ? .text("\(channel)\(Base64.encode(bytes))") : .binary([channel] + bytes)
    }
}
