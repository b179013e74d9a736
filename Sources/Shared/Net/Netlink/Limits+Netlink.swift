extension Limits {
    /// Largest netlink datagram read, bytes; the kernel never sends more than 32 kB at once.
    package static let netlinkDatagramBytesMax = 128 * 1024
    /// Most answers to one question; more fail the question with EMSGSIZE.
    package static let netlinkRepliesMax = 1_000_000
    /// Most bytes of elements in one nf_tables message: below the 16-bit length of an attribute. More elements go
    /// into further messages.
    package static let setElementsBytesMax = 32_000
}
