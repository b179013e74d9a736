/// A network interface as the kernel lists it, and the requests that make and change one. Source: man 7 rtnetlink.
package struct Link: Hashable, Sendable {
    package let index: Int32
    package let name: String
    /// Bytes; 0 when unknown.
    package let mtu: UInt32
    package let isUp: Bool
    package let isLoopback: Bool
    /// `veth`, `bridge`, `vxlan`, …; empty for hardware.
    package let kind: String
    /// The index of the bridge it belongs to; 0 for none.
    package let master: Int32
    /// The Ethernet address, six bytes; empty where there is none.
    package let hardwareAddress: [UInt8]

    /// Nil for messages of another type or without a name.
    package init?(_ reply: NetlinkReply) {
        guard reply.type == 16, let index = reply.body.number(at: 4, as: Int32.self),
            let flags = reply.body.number(at: 8, as: UInt32.self)
        else { return nil }
        let attributes = NetlinkAttributes(reply.body.dropFirst(16))
        guard let name = attributes.text(3) else { return nil }
        self.index = index
        self.name = name
        mtu = attributes.number(4, as: UInt32.self) ?? 0
        isUp = flags & 1 != 0
        isLoopback = flags & 8 != 0
        kind = attributes.nested(18)?.text(1) ?? ""
        master = attributes.number(10, as: Int32.self) ?? 0
        hardwareAddress = attributes[1].map(Array.init) ?? []
    }
}

extension Link {
    /// What kind of interface to make.
    package enum Plan: Hashable, Sendable {
        case dummy
        case bridge
        /// A pair of which the other end is called `peer` and lies in the namespace that the open descriptor refers
        /// to; nil is the caller's namespace.
        case veth(peer: String, namespace: Int32?)
        /// A tunnel for Ethernet frames; the far ends come as entries of its forwarding table.
        case vxlan(identifier: UInt32, local: IPv4Address, port: UInt16)
    }

    /// - Parameters:
    ///   - mtu: bytes, for both ends of a pair; nil keeps the kernel's choice.
    ///   - hardwareAddress: six bytes; nil lets the kernel choose.
    package static func add(
        _ name: String, _ plan: Plan, mtu: UInt32? = nil, hardwareAddress: [UInt8]? = nil
    ) -> NetlinkMessage {
        var body = header(index: 0)
        body.attribute(3, text: name)
        if let mtu { body.attribute(4, mtu) }
        if let hardwareAddress { body.attribute(1, hardwareAddress) }
        body.nest(18) { info in
            switch plan {
            case .dummy: info.attribute(1, text: "dummy")
            case .bridge: info.attribute(1, text: "bridge")
            case .veth(let peer, let namespace):
                info.attribute(1, text: "veth")
                info.nest(2) { data in
                    // VETH_INFO_PEER: a whole link message for the other end.
                    data.begin(1) { other in
                        other.append(header(index: 0).bytes)
                        other.attribute(3, text: peer)
                        if let mtu { other.attribute(4, mtu) }
                        if let namespace { other.attribute(28, UInt32(bitPattern: namespace)) }
                    }
                }
            case .vxlan(let identifier, let local, let port):
                info.attribute(1, text: "vxlan")
                info.nest(2) { data in
                    data.attribute(1, identifier)
                    data.attribute(4, local.bytes)
                    data.attribute(7, UInt8(0))  // No learning: the entries are ours.
                    data.attribute(15, big: port)
                }
            }
        }
        return NetlinkMessage(type: 16, flags: [.create, .exclusive], purpose: "add link \(name)", body: body)
    }

    package static func delete(_ name: String) -> NetlinkMessage {
        var body = header(index: 0)
        body.attribute(3, text: name)
        return NetlinkMessage(type: 17, flags: [], purpose: "delete link \(name)", body: body)
    }

    /// Changes an interface; what is nil stays.
    package static func set(
        index: Int32, up: Bool? = nil, name: String? = nil, mtu: UInt32? = nil, master: Int32? = nil,
        namespace: Int32? = nil
    ) -> NetlinkMessage {
        var body = header(index: index, flags: up == true ? 1 : 0, mask: up == nil ? 0 : 1)
        if let name { body.attribute(3, text: name) }
        if let mtu { body.attribute(4, mtu) }
        if let master { body.attribute(10, UInt32(bitPattern: master)) }
        if let namespace { body.attribute(28, UInt32(bitPattern: namespace)) }
        return NetlinkMessage(type: 16, flags: [], purpose: "change link \(index)", body: body)
    }

    package static let list = NetlinkMessage(
        type: 18, flags: .dump, purpose: "list links", body: header(index: 0))

    package static func get(_ name: String) -> NetlinkMessage {
        var body = header(index: 0)
        body.attribute(3, text: name)
        return NetlinkMessage(type: 18, flags: [], purpose: "look up link \(name)", body: body)
    }

    /// `struct ifinfomsg`: family, type, index, flags, mask of changed flags.
    private static func header(index: Int32, flags: UInt32 = 0, mask: UInt32 = 0) -> NetlinkBytes {
        var bytes = NetlinkBytes()
        bytes.append(UInt8(0))
        bytes.append(UInt8(0))
        bytes.append(UInt16(0))
        bytes.append(index)
        bytes.append(flags)
        bytes.append(mask)
        return bytes
    }
}
