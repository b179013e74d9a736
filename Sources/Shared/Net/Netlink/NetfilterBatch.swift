/// Changes to nf_tables that happen together or not at all.
///
/// Source: linux/netfilter/nf_tables.h, nfnetlink.h.
package struct NetfilterBatch: Sendable {
    package let family: Family
    package private(set) var messages: [NetlinkMessage] = []

    package enum Family: UInt8, Sendable {
        case inet = 1
        case ipv4 = 2
    }

    package init(_ family: Family = .ipv4) { self.family = family }

    package var isEmpty: Bool { messages.isEmpty }

    /// The messages between the marks of a transaction, ready for `NetlinkSocket.transact`.
    package var transaction: [NetlinkMessage] {
        [NetfilterBatch.mark(0x10, "begin a transaction")] + messages
            + [NetfilterBatch.mark(0x11, "end a transaction")]
    }

    package mutating func addTable(_ table: String) {
        add(.newTable, .create, "add table \(table)") { $0.attribute(1, text: table) }
    }
    package mutating func deleteTable(_ table: String) {
        add(.deleteTable, [], "delete table \(table)") { $0.attribute(1, text: table) }
    }

    /// Adds a chain; with a hook it receives packets by itself, without it it is jumped to.
    package mutating func addChain(_ chain: String, table: String, hook: Hook? = nil) {
        add(.newChain, .create, "add chain \(chain)") { body in
            body.attribute(1, text: table)
            body.attribute(3, text: chain)
            if let hook {
                body.nest(4) {
                    $0.attribute(1, big: hook.point.rawValue)
                    $0.attribute(2, big: hook.priority)
                }
                body.attribute(7, text: hook.kind.rawValue)
            }
        }
    }
    package mutating func deleteChain(_ chain: String, table: String) {
        add(.deleteChain, [], "delete chain \(chain)") {
            $0.attribute(1, text: table)
            $0.attribute(3, text: chain)
        }
    }
    /// Removes all rules of a chain.
    package mutating func flushChain(_ chain: String, table: String) {
        add(.deleteRule, [], "empty chain \(chain)") {
            $0.attribute(1, text: table)
            $0.attribute(2, text: chain)
        }
    }
    /// Appends a rule.
    package mutating func addRule(_ expressions: [NetfilterExpression], chain: String, table: String) {
        add(.newRule, [.create, .append], "add a rule to \(chain)") { body in
            body.attribute(1, text: table)
            body.attribute(2, text: chain)
            body.nest(4) { list in
                for expression in expressions { list.nest(1) { expression.write(to: &$0) } }
            }
        }
    }

    package mutating func addSet(_ set: NetfilterSet, table: String) {
        add(.newSet, .create, "add set \(set.name)") { set.write(to: &$0, table: table) }
    }
    /// Adds elements, in as many messages as their size needs. `identifier` names an anonymous set of this batch.
    package mutating func addElements(
        _ elements: [NetfilterSet.Element], to set: String, identifier: UInt32? = nil, table: String
    ) {
        change(.newElement, .create, elements, set, identifier, table, "add elements to \(set)")
    }
    /// Removes elements by their keys; all of them must be there.
    package mutating func deleteElements(_ elements: [NetfilterSet.Element], from set: String, table: String) {
        let keys = elements.map { NetfilterSet.Element(key: $0.key) }
        change(.deleteElement, [], keys, set, nil, table, "delete elements of \(set)")
    }
    /// Removes all elements.
    package mutating func flushSet(_ set: String, table: String) {
        add(.deleteElement, [], "empty set \(set)") {
            $0.attribute(1, text: table)
            $0.attribute(2, text: set)
        }
    }
    package mutating func deleteSet(_ set: String, table: String) {
        add(.deleteSet, [], "delete set \(set)") {
            $0.attribute(1, text: table)
            $0.attribute(2, text: set)
        }
    }

    private mutating func change(
        _ kind: Message, _ flags: NetlinkMessage.Flags, _ elements: [NetfilterSet.Element], _ set: String,
        _ identifier: UInt32?, _ table: String, _ purpose: String
    ) {
        var rest = elements[...]
        while !rest.isEmpty {
            add(kind, flags, purpose) { body in
                body.attribute(1, text: table)
                body.attribute(2, text: set)
                if let identifier { body.attribute(4, big: identifier) }
                body.nest(3) { list in
                    while let element = rest.first, list.bytes.count < Limits.setElementsBytesMax {
                        list.nest(1) { element.write(to: &$0) }
                        rest = rest.dropFirst()
                    }
                }
            }
        }
    }

    private enum Message: UInt16 {
        case newTable = 0
        case deleteTable = 2
        case newChain = 3
        case deleteChain = 5
        case newRule = 6
        case deleteRule = 8
        case newSet = 9
        case deleteSet = 11
        case newElement = 12
        case deleteElement = 14
    }

    private mutating func add(
        _ kind: Message, _ flags: NetlinkMessage.Flags, _ purpose: String, _ write: (inout NetlinkBytes) -> Void
    ) {
        var body = NetlinkBytes([family.rawValue, 0, 0, 0])
        write(&body)
        messages.append(
            NetlinkMessage(
                type: NetfilterBatch.subsystem << 8 | kind.rawValue, flags: flags, purpose: purpose, body: body))
    }

    /// The marks carry the subsystem in their resource id, in network order.
    private static func mark(_ type: UInt16, _ purpose: String) -> NetlinkMessage {
        NetlinkMessage(type: type, flags: [], purpose: purpose, body: NetlinkBytes([0, 0, 0, UInt8(subsystem)]))
    }
    /// NFNL_SUBSYS_NFTABLES.
    private static let subsystem: UInt16 = 10

    package struct Hook: Hashable, Sendable {
        package enum Kind: String, Sendable { case nat, filter }
        package enum Point: UInt32, Sendable { case prerouting, input, forward, output, postrouting }
        package let kind: Kind
        package let point: Point
        package let priority: Int32

        package init(_ kind: Kind, _ point: Point, priority: Int32) {
            self.kind = kind
            self.point = point
            self.priority = priority
        }
    }

    /// The question for the names of all tables of the family.
    package static func listTables(_ family: Family) -> NetlinkMessage {
        NetlinkMessage(
            type: subsystem << 8 | 1, flags: .dump, purpose: "list tables",
            body: NetlinkBytes([family.rawValue, 0, 0, 0]))
    }
    /// The question for the names of all chains of the family.
    package static func listChains(_ family: Family) -> NetlinkMessage {
        NetlinkMessage(
            type: subsystem << 8 | 4, flags: .dump, purpose: "list chains",
            body: NetlinkBytes([family.rawValue, 0, 0, 0]))
    }
    /// The question for the elements of a set.
    package static func listElements(of set: String, table: String, _ family: Family) -> NetlinkMessage {
        var body = NetlinkBytes([family.rawValue, 0, 0, 0])
        body.attribute(1, text: table)
        body.attribute(2, text: set)
        return NetlinkMessage(type: subsystem << 8 | 13, flags: .dump, purpose: "list elements of \(set)", body: body)
    }
    /// (table, chain or nil) of a reply to `listTables` or `listChains`.
    package static func names(_ reply: NetlinkReply) -> (table: String, chain: String?)? {
        let attributes = NetlinkAttributes(reply.body.dropFirst(4))
        guard reply.type >> 8 == subsystem, let table = attributes.text(1) else { return nil }
        return (table, reply.type & 255 == 3 ? attributes.text(3) : nil)
    }
    /// The keys and values of a reply to `listElements`.
    package static func elements(_ reply: NetlinkReply) -> [(key: [UInt8], data: [UInt8])] {
        guard reply.type == subsystem << 8 | 12,
            let list = NetlinkAttributes(reply.body.dropFirst(4)).nested(3)
        else { return [] }
        return list.compactMap { item in
            let element = NetlinkAttributes(item.content)
            guard let key = element.nested(1)?[1] else { return nil }
            return (Array(key), element.nested(2)?[1].map(Array.init) ?? [])
        }
    }
}
