/// One request to the kernel. Source: man 7 netlink.
package struct NetlinkMessage: Hashable, Sendable {
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        package static let request = Flags(rawValue: 1 << 0)
        package static let acknowledge = Flags(rawValue: 1 << 2)
        /// NLM_F_ROOT and NLM_F_MATCH: list everything.
        package static let dump = Flags(rawValue: 1 << 8 | 1 << 9)
        package static let replace = Flags(rawValue: 1 << 8)
        package static let exclusive = Flags(rawValue: 1 << 9)
        package static let create = Flags(rawValue: 1 << 10)
        package static let append = Flags(rawValue: 1 << 11)
    }
    package let type: UInt16
    package var flags: Flags
    package var body: NetlinkBytes
    /// What it does, for the sentence of an error: `add link eth0`.
    package let purpose: String

    package init(type: UInt16, flags: Flags, purpose: String, body: NetlinkBytes) {
        self.type = type
        self.flags = flags
        self.purpose = purpose
        self.body = body
    }

    /// The bytes on the wire: the 16-byte header, the body, padding to four bytes.
    package func encoded(sequence: UInt32) -> [UInt8] {
        var bytes = NetlinkBytes()
        bytes.append(UInt32(16 + body.bytes.count))
        bytes.append(type)
        bytes.append(flags.union(.request).rawValue)
        bytes.append(sequence)
        bytes.append(UInt32(0))
        bytes.append(body.bytes)
        while bytes.bytes.count % 4 != 0 { bytes.append(UInt8(0)) }
        return bytes.bytes
    }
}

/// One message that the kernel sent.
package struct NetlinkReply: Hashable, Sendable {
    package let type: UInt16
    package let flags: UInt16
    package let sequence: UInt32
    package let body: ArraySlice<UInt8>

    /// Cuts a datagram into messages; stops at the first whose length does not fit.
    package static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        var rest = datagram
        while let length = rest.number(at: 0, as: UInt32.self).map(Int.init), length >= 16, length <= rest.count,
            let type = rest.number(at: 4, as: UInt16.self), let flags = rest.number(at: 6, as: UInt16.self),
            let sequence = rest.number(at: 8, as: UInt32.self)
        {
            let body = rest.dropFirst(16).prefix(length - 16)
            replies.append(NetlinkReply(type: type, flags: flags, sequence: sequence, body: body))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return replies
    }

    package var isEnd: Bool { type == 3 }
    /// For an acknowledgement: 0, or the error number. Nil for other messages.
    package var errorCode: Int32? {
        guard type == 2, let code = body.number(at: 0, as: Int32.self) else { return nil }
        return code == .min ? .max : -code
    }
    /// What the kernel says beside the number, when it says something.
    package var errorText: String? {
        let hasText = flags & 0x200 != 0, isCapped = flags & 0x100 != 0
        guard errorCode != nil, hasText, let length = body.number(at: 4, as: UInt32.self) else { return nil }
        let header = isCapped ? 20 : 4 + (Int(length) + 3) & ~3
        return NetlinkAttributes(body.dropFirst(header)).text(1)
    }
}

/// The kernel refused a request, or could not be asked.
package struct NetlinkError: Error, Hashable, CustomStringConvertible {
    /// errno.
    package let code: Int32
    /// What was tried: `add link eth0`.
    package let purpose: String
    package let text: String

    package init(code: Int32, purpose: String, text: String = "") {
        self.code = code
        self.purpose = purpose
        self.text = text
    }
    package var description: String {
        "The kernel refused to \(purpose): \(errorName(code))\(text.isEmpty ? "" : " (\(text))")."
    }
}
