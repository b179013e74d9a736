/// One entry of the main routing table. Source: man 7 rtnetlink.
package struct Route: Hashable, Sendable {
    package enum Action: UInt8, Hashable, Sendable {
        case unicast = 1
        /// Refused at once with "host unreachable".
        case unreachable = 7
    }
    package var destination: IPv4Network
    package var gateway: IPv4Address?
    /// The index of the interface; 0 for none.
    package var link: Int32 = 0
    /// The address that the node's own connections get.
    package var source: IPv4Address?
    /// The gateway counts as a neighbour even where no subnet says so.
    package var isOnLink = false
    package var action = Action.unicast

    package init(
        _ destination: IPv4Network, via gateway: IPv4Address? = nil, link: Int32 = 0, source: IPv4Address? = nil,
        isOnLink: Bool = false, action: Action = .unicast
    ) {
        self.destination = destination
        self.gateway = gateway
        self.link = link
        self.source = source
        self.isOnLink = isOnLink
        self.action = action
    }

    /// Nil for what is no IPv4 route of the main table.
    package init?(_ reply: NetlinkReply) {
        let head = Array(reply.body.prefix(12))
        guard reply.type == 24, head.count == 12, head[0] == 2, let action = Action(rawValue: head[7]) else {
            return nil
        }
        let attributes = NetlinkAttributes(reply.body.dropFirst(12))
        guard attributes.number(15, as: UInt32.self) ?? UInt32(head[4]) == 254 else { return nil }
        destination = IPv4Network(attributes.address(1) ?? .any, prefix: Int(head[1]))
        gateway = attributes.address(5)
        link = attributes.number(4, as: Int32.self) ?? 0
        source = attributes.address(7)
        isOnLink = (reply.body.number(at: 8, as: UInt32.self) ?? 0) & 4 != 0
        self.action = action
    }

    /// Adds the route, or changes the one to the same destination.
    package var replace: NetlinkMessage {
        NetlinkMessage(type: 24, flags: [.create, .replace], purpose: "set route to \(destination)", body: body)
    }
    package var delete: NetlinkMessage {
        NetlinkMessage(type: 25, flags: [], purpose: "delete route to \(destination)", body: body)
    }
    package static let list: NetlinkMessage = {
        var body = NetlinkBytes()
        body.append(UInt8(2))
        body.append([UInt8](repeating: 0, count: 11))
        return NetlinkMessage(type: 26, flags: .dump, purpose: "list routes", body: body)
    }()

    /// `struct rtmsg`, then the attributes.
    private var body: NetlinkBytes {
        var body = NetlinkBytes()
        let scope: UInt8 = gateway == nil && action == .unicast ? 253 : 0
        body.append([2, UInt8(destination.prefix), 0, 0, 254, 4, scope, action.rawValue])
        body.append(UInt32(isOnLink ? 4 : 0))
        body.attribute(1, destination.address.bytes)
        if let gateway { body.attribute(5, gateway.bytes) }
        if link != 0 { body.attribute(4, UInt32(bitPattern: link)) }
        if let source { body.attribute(7, source.bytes) }
        return body
    }
}

/// An address of an interface.
package struct LinkAddress: Hashable, Sendable {
    package enum Scope: UInt8, Hashable, Sendable {
        case universe = 0
        /// Never chosen as the source of connections that leave the link.
        case link = 253
        case host = 254
    }
    package var link: Int32
    package var address: IPv4Address
    package var prefix: Int
    package var scope: Scope

    package init(link: Int32, _ address: IPv4Address, prefix: Int, scope: Scope = .universe) {
        self.link = link
        self.address = address
        self.prefix = min(max(prefix, 0), 32)
        self.scope = scope
    }

    /// Nil for what is no IPv4 address.
    package init?(_ reply: NetlinkReply) {
        let head = Array(reply.body.prefix(4))
        guard reply.type == 20, head.count == 4, head[0] == 2, let link = reply.body.number(at: 4, as: Int32.self)
        else { return nil }
        let attributes = NetlinkAttributes(reply.body.dropFirst(8))
        guard let address = attributes.address(2) ?? attributes.address(1) else { return nil }
        self.init(link: link, address, prefix: Int(head[1]), scope: Scope(rawValue: head[3]) ?? .universe)
    }

    /// Adds the address; one that is there already stays.
    package var replace: NetlinkMessage {
        NetlinkMessage(type: 20, flags: [.create, .replace], purpose: "add address \(address)/\(prefix)", body: body)
    }
    package var delete: NetlinkMessage {
        NetlinkMessage(type: 21, flags: [], purpose: "delete address \(address)/\(prefix)", body: body)
    }
    package static let list: NetlinkMessage = {
        var body = NetlinkBytes()
        body.append(UInt8(2))
        body.append([UInt8](repeating: 0, count: 7))
        return NetlinkMessage(type: 22, flags: .dump, purpose: "list addresses", body: body)
    }()

    /// `struct ifaddrmsg`, then the attributes.
    private var body: NetlinkBytes {
        var body = NetlinkBytes()
        body.append([2, UInt8(prefix), 0, scope.rawValue])
        body.append(link)
        body.attribute(2, address.bytes)
        body.attribute(1, address.bytes)
        return body
    }
}

/// An entry of a neighbour table (ARP) or of the forwarding table of a VXLAN.
package struct Neighbour: Hashable, Sendable {
    package enum Table: Hashable, Sendable {
        /// Which Ethernet address has this IP address.
        case address
        /// Behind which machine is this Ethernet address.
        case forwarding
    }
    package let table: Table
    package let link: Int32
    package let address: IPv4Address
    /// Six bytes.
    package let hardwareAddress: [UInt8]

    package init(_ table: Table, link: Int32, _ address: IPv4Address, hardwareAddress: [UInt8]) {
        self.table = table
        self.link = link
        self.address = address
        self.hardwareAddress = hardwareAddress
    }

    package var replace: NetlinkMessage {
        NetlinkMessage(type: 28, flags: [.create, .replace], purpose: "set neighbour \(address)", body: body)
    }
    package var delete: NetlinkMessage {
        NetlinkMessage(type: 29, flags: [], purpose: "delete neighbour \(address)", body: body)
    }

    /// `struct ndmsg`: family, interface, state NUD_PERMANENT, flags (NTF_SELF for forwarding), type.
    private var body: NetlinkBytes {
        var body = NetlinkBytes()
        body.append([table == .address ? 2 : 7, 0, 0, 0])
        body.append(link)
        body.append(UInt16(0x80))
        body.append([table == .address ? 0 : 2, 0])
        body.attribute(1, address.bytes)
        body.attribute(2, hardwareAddress)
        return body
    }
}
