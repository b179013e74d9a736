import CLinux
import Dispatch
import Glibc

/// Where a socket listens or whom it is connected with.
package enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// A numeric IPv4 or IPv6 address, without brackets, and a port.
    case ip(String, port: Int)
    /// A path; empty for a peer that has none.
    case unix(String)

    package var description: String {
        switch self {
        case .ip(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path.isEmpty ? "unix" : "unix:\(path)"
        }
    }
    /// The numeric address; empty for a unix socket.
    package var host: String { if case .ip(let host, _) = self { host } else { "" } }
    package var port: Int { if case .ip(_, let port) = self { port } else { 0 } }

    /// True for 127.0.0.0/8, ::1 and unix sockets.
    package var isLoopback: Bool {
        switch self {
        case .ip(let host, _): host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.")
        case .unix: true
        }
    }

    /// Splits `host:port`, `[v6]:port`; nil when there is no port from 0 to 65535.
    package static func split(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.first == "[" {
            guard host.last == "]" else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return (String(host), Int(port))
    }
}

/// An address in the kernel's form.
struct RawAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    var family: Int32 { Int32(storage.ss_family) }

    init() {}

    /// A unix address. Throws when the path is longer than the 107 bytes that the kernel takes.
    init(path: String) throws(NetError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room, !bytes.isEmpty, !bytes.contains(0) else {
            throw NetError(.name, "the socket path \"\(path)\" must be 1 to \(room - 1) bytes long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: &address) { storage.copyBytes(from: $0) }
        }
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
    }

    /// The addresses of a host in the system's order. A numeric host is answered without asking anybody.
    static func resolve(_ host: String, port: Int) async throws -> [RawAddress] {
        if let numeric = try? lookUp(host, port: port, flags: AI_NUMERICHOST) { return numeric }
        // getaddrinfo blocks, so it has a thread of its own and never one of the cooperative pool.
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try lookUp(host, port: port, flags: AI_ADDRCONFIG) })
            }
        }
    }

    /// Source: man 3 getaddrinfo.
    static func lookUp(_ host: String, port: Int, flags: Int32) throws -> [RawAddress] {
        var hints = addrinfo()
        hints.ai_flags = flags | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &found)
        guard code == 0 else {
            throw NetError(.name, "cannot find the host \"\(host)\": \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        var result: [RawAddress] = []
        var next = found
        while let entry = next {
            var address = RawAddress()
            let count = min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
            if let source = entry.pointee.ai_addr {
                withUnsafeMutableBytes(of: &address.storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
                }
                address.length = socklen_t(count)
                result.append(address)
            }
            next = entry.pointee.ai_next
        }
        return result
    }

    mutating func withMutablePointer<T>(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> T)
        -> T
    {
        withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                withUnsafeMutablePointer(to: &length) { body(pointer, $0) }
            }
        }
    }

    func withPointer<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The readable form.
    var address: SocketAddress {
        switch family {
        case AF_INET, AF_INET6:
            var host = [CChar](repeating: 0, count: 64)
            var port = [CChar](repeating: 0, count: 8)
            let code = withPointer { getnameinfo($0, $1, &host, 64, &port, 8, NI_NUMERICHOST | NI_NUMERICSERV) }
            guard code == 0 else { return .unix("") }
            return .ip(RawAddress.text(host), port: Int(RawAddress.text(port)) ?? 0)
        default:
            return withUnsafeBytes(of: storage) { bytes in
                .unix(String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self))
            }
        }
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension RawAddress {
    /// The readable form of the 4 or 16 bytes of an address; nil for another count.
    static func text(of bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, 64) != nil else { return nil }
        return RawAddress.text(text)
    }
}
