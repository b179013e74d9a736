/// A set of nf_tables, or a map when it has data. Source: linux/netfilter/nf_tables.h.
package struct NetfilterSet: Hashable, Sendable {
    /// What a key or a value is made of; several parts are a concatenation, each padded to four bytes.
    package enum Part: UInt32, Hashable, Sendable {
        case integer = 4
        case address = 7
        case transport = 12
        case port = 13
        case mark = 19
    }
    package enum Data: Hashable, Sendable {
        case values([Part])
        case verdicts
    }
    package let name: String
    package let key: [Part]
    package let data: Data?
    /// Rules add elements, each of which ends after this many milliseconds unless it is used; nil for fixed sets.
    package var timeoutMilliseconds: UInt64?
    /// The number of an anonymous set within its batch; its name is then `__map%d`.
    package var identifier: UInt32

    package init(
        _ name: String, key: [Part], data: Data? = nil, timeoutMilliseconds: UInt64? = nil, identifier: UInt32
    ) {
        self.name = name
        self.key = key
        self.data = data
        self.timeoutMilliseconds = timeoutMilliseconds
        self.identifier = identifier
    }

    package var isAnonymous: Bool { name.hasPrefix("__") }

    package struct Element: Hashable, Sendable {
        package let key: [UInt8]
        package var value: [UInt8] = []
        package var verdict: NetfilterExpression.Verdict?

        /// - Parameter key: the parts one after the other, each padded to four bytes.
        package init(key: [UInt8], value: [UInt8] = [], verdict: NetfilterExpression.Verdict? = nil) {
            self.key = key
            self.value = value
            self.verdict = verdict
        }

        func write(to bytes: inout NetlinkBytes) {
            bytes.nest(1) { $0.attribute(1, key) }
            if let verdict {
                bytes.nest(2) { verdict.write(to: &$0) }
            } else if !value.isEmpty {
                bytes.nest(2) { $0.attribute(1, value) }
            }
        }
    }

    func write(to bytes: inout NetlinkBytes, table: String) {
        var flags: UInt32 = isAnonymous ? 1 | 2 : 0
        if data != nil { flags |= 8 }
        if timeoutMilliseconds != nil { flags |= 0x10 | 0x20 }
        bytes.attribute(1, text: table)
        bytes.attribute(2, text: name)
        bytes.attribute(3, big: flags)
        bytes.attribute(4, big: NetfilterSet.type(key))
        bytes.attribute(5, big: UInt32(key.count * 4))
        switch data {
        case .values(let parts):
            bytes.attribute(6, big: NetfilterSet.type(parts))
            bytes.attribute(7, big: UInt32(parts.count * 4))
        case .verdicts:
            bytes.attribute(6, big: UInt32(0xFFFF_FF00))
        case nil: break
        }
        bytes.attribute(10, big: identifier)
        if let timeoutMilliseconds {
            bytes.attribute(11, big: timeoutMilliseconds)
            bytes.nest(9) { $0.attribute(1, big: UInt32(65_535)) }
        }
    }

    /// The number by which the `nft` program shows the type: six bits a part. The kernel keeps it only.
    private static func type(_ parts: [Part]) -> UInt32 { parts.reduce(0) { $0 << 6 | $1.rawValue } }
}
