/// An absolute `http` or `https` address. A value.
package struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    package let isSecure: Bool
    /// A name or an address without brackets.
    package let host: String
    package let port: Int
    /// Path and query.
    package let target: String

    package init(isSecure: Bool, host: String, port: Int, target: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.target = target
    }

    /// Nil for another scheme, for user names in it, and for a place that is no `HOST[:PORT]`.
    package init?(_ text: String) {
        let isSecure = text.lowercased().hasPrefix("https://")
        guard isSecure || text.lowercased().hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let place = String(rest[..<end])
        guard !place.isEmpty, !place.contains("@"),
            let (host, port) = SocketAddress.split(place) ?? SocketAddress.split("\(place):\(isSecure ? 443 : 80)")
        else { return nil }
        let path = rest[end...].prefix { $0 != "#" }
        self.init(
            isSecure: isSecure, host: host, port: port, target: path.hasPrefix("/") ? String(path) : "/" + String(path))
    }

    /// Where a `Location` of an answer from here leads.
    package func resolved(_ location: String) -> WebAddress? {
        if location.hasPrefix("/"), !location.hasPrefix("//") { return with(location) }
        return WebAddress(location)
    }

    package func with(_ target: String) -> WebAddress {
        WebAddress(isSecure: isSecure, host: host, port: port, target: target)
    }

    /// Bytes to this host do not leave the machine.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || IPv4Address(host).map { $0.value >> 24 } == 127
    }

    package var place: String { "\(isSecure ? "https" : "http")://\(SocketAddress.ip(host, port: port))" }
    package var description: String { place + target }
}
