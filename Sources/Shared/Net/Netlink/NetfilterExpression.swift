/// One step of a rule. Registers are the 4-byte ones, 0…15. Source: linux/netfilter/nf_tables.h.
package enum NetfilterExpression: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case accept, drop, `return`
        case jump(String)
        case goto(String)
    }
    package enum MetaKey: UInt32, Hashable, Sendable {
        case mark = 3
        case inputName = 6
        case outputName = 7
        case transport = 16
    }
    /// Bytes are compared from the first, so numbers must be in network order for `atMost` and `atLeast`.
    package enum Comparison: UInt32, Hashable, Sendable { case equal = 0, different = 1, atMost = 3, atLeast = 5 }
    package enum Base: UInt32, Hashable, Sendable { case network = 1, transport }
    package enum Translation: UInt32, Hashable, Sendable { case source, destination }
    package enum Rejection: UInt32, Hashable, Sendable { case portUnreachable, reset }

    /// Loads bytes of the packet.
    case payload(Base, offset: UInt32, length: UInt32, into: UInt32)
    case meta(MetaKey, into: UInt32)
    case setMark(from: UInt32)
    /// The status bits of the connection, in the machine's byte order.
    case connectionStatus(into: UInt32)
    /// The state bits of the connection: 1 invalid, 2 established, 4 related, 8 new.
    case connectionState(into: UInt32)
    /// The kind of the destination address (RTN_LOCAL is 2), in the machine's byte order.
    case destinationKind(into: UInt32)
    /// The same for the source address.
    case sourceKind(into: UInt32)
    /// A random number below `modulus`.
    case random(modulus: UInt32, into: UInt32)
    case immediate([UInt8], into: UInt32)
    case compare(UInt32, Comparison, [UInt8])
    /// `register = register & mask ^ flip`.
    case bits(UInt32, mask: [UInt8], flip: [UInt8])
    /// Goes on only when the key is in the set.
    case lookup(set: String, identifier: UInt32?, key: UInt32)
    /// Loads the value of the key; goes on only when there is one.
    case map(set: String, identifier: UInt32?, key: UInt32, into: UInt32)
    /// Follows the verdict of the key; goes on when there is none.
    case verdictMap(set: String, identifier: UInt32?, key: UInt32)
    /// Adds or refreshes an element of a set with a timeout.
    case remember(set: String, key: UInt32, value: UInt32)
    case translate(Translation, address: UInt32, port: UInt32?)
    case masquerade
    case reject(Rejection)
    case counter
    case verdict(Verdict)

    func write(to bytes: inout NetlinkBytes) {
        let (name, data) = parts
        bytes.attribute(1, text: name)
        bytes.nest(2) { $0.append(data.bytes) }
    }

    private var parts: (name: String, data: NetlinkBytes) {
        var data = NetlinkBytes()
        switch self {
        case .payload(let base, let offset, let length, let register):
            data.numbers((1, number(register)), (2, base.rawValue), (3, offset), (4, length))
            return ("payload", data)
        case .meta(let key, let register):
            data.numbers((1, number(register)), (2, key.rawValue))
            return ("meta", data)
        case .setMark(let register):
            data.numbers((2, MetaKey.mark.rawValue), (3, number(register)))
            return ("meta", data)
        case .connectionStatus(let register):
            data.numbers((1, number(register)), (2, 2))
            return ("ct", data)
        case .connectionState(let register):
            data.numbers((1, number(register)), (2, 0))
            return ("ct", data)
        case .destinationKind(let register):
            data.numbers((1, number(register)), (2, 3), (3, 2))
            return ("fib", data)
        case .sourceKind(let register):
            data.numbers((1, number(register)), (2, 3), (3, 1))
            return ("fib", data)
        case .random(let modulus, let register):
            data.numbers((1, number(register)), (2, modulus), (3, 1), (4, 0))
            return ("numgen", data)
        case .immediate(let value, let register):
            data.numbers((1, number(register)))
            data.nest(2) { $0.attribute(1, value) }
            return ("immediate", data)
        case .compare(let register, let comparison, let value):
            data.numbers((1, number(register)), (2, comparison.rawValue))
            data.nest(3) { $0.attribute(1, value) }
            return ("cmp", data)
        case .bits(let register, let mask, let flip):
            data.numbers((1, number(register)), (2, number(register)), (3, UInt32(mask.count)))
            data.nest(4) { $0.attribute(1, mask) }
            data.nest(5) { $0.attribute(1, flip) }
            return ("bitwise", data)
        case .lookup(let set, let identifier, let key):
            data.attribute(1, text: set)
            data.numbers((2, number(key)))
            if let identifier { data.numbers((4, identifier)) }
            return ("lookup", data)
        case .map(let set, let identifier, let key, let register):
            data.attribute(1, text: set)
            data.numbers((2, number(key)), (3, number(register)))
            if let identifier { data.numbers((4, identifier)) }
            return ("lookup", data)
        case .verdictMap(let set, let identifier, let key):
            data.attribute(1, text: set)
            data.numbers((2, number(key)), (3, 0))
            if let identifier { data.numbers((4, identifier)) }
            return ("lookup", data)
        case .remember(let set, let key, let value):
            data.attribute(1, text: set)
            data.numbers((3, 1), (4, number(key)), (5, number(value)))
            return ("dynset", data)
        case .translate(let kind, let address, let port):
            data.numbers((1, kind.rawValue), (2, 2), (3, number(address)))
            if let port { data.numbers((5, number(port))) }
            return ("nat", data)
        case .masquerade: return ("masq", data)
        case .reject(let kind):
            data.numbers((1, kind.rawValue))
            // ICMP_PORT_UNREACH; a reset has no code but the attribute is harmless.
            data.attribute(2, UInt8(3))
            return ("reject", data)
        case .counter: return ("counter", data)
        case .verdict(let verdict):
            data.numbers((1, 0))
            data.nest(2) { verdict.write(to: &$0) }
            return ("immediate", data)
        }
    }

    /// NFT_REG32_00 is 8.
    private func number(_ register: UInt32) -> UInt32 { 8 + register }
}

extension NetfilterExpression.Verdict {
    func write(to bytes: inout NetlinkBytes) {
        bytes.nest(2) {
            $0.attribute(1, big: code)
            if let chain { $0.attribute(2, text: chain) }
        }
    }
    private var code: Int32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .jump: -3
        case .goto: -4
        case .return: -5
        }
    }
    package var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        default: nil
        }
    }
}

extension NetlinkBytes {
    /// 32-bit attributes in network order, as nf_tables wants all its numbers.
    fileprivate mutating func numbers(_ values: (type: UInt16, value: UInt32)...) {
        for (type, value) in values { attribute(type, big: value) }
    }
}
