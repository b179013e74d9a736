/// Block collections: structure by indentation (YAML 1.2.2, chapter 8).
extension YAMLParser {
    /// `s-l+block-node(n,c)` after an indicator or at the start of a bare document; ends at the start of a line.
    ///
    /// - Parameter out: the context `block-out`, in which a list may stand as far left as the key above it.
    mutating func blockNode(_ n: Int, out: Bool) throws(YAMLError) {
        var properties = YAMLProperties()
        var offset = position
        var isFresh = isAtLineStart && !isAtAnyMarker
        reading: while true {
            if !isFresh {
                let before = position
                skipWhite()
                if isBreakOrEnd(byte()) || (byte() == UInt8(ascii: "#") && position > before) {
                    position = before
                    try endLine()
                    isFresh = true
                }
            }
            if isFresh {
                let indent = countSpaces()
                position += indent
                let next = byte()
                position -= indent
                if next == 0 || (indent == 0 && isAtAnyMarker) { return scalar("", .plain, properties, at: offset) }
                if next != 0x09 {
                    position += indent
                    if indent >= (out ? n : n + 1), next == UInt8(ascii: "-"), isSpaceOrEnd(byte(1)) {
                        return try blockSequence(indent, properties)
                    }
                    if indent > n, try mappingKey() { return try blockMapping(indent, properties) }
                    position -= indent
                }
                if indent <= n {
                    // A tab below the indent is an error of its own; anything else belongs to the parent.
                    if next == 0x09 { throw unfit() }
                    return scalar("", .plain, properties, at: offset)
                }
                position += indent
                skipWhite()
                isFresh = false
            }
            offset = position
            switch byte() {
            case UInt8(ascii: "&"), UInt8(ascii: "!"):
                try property(into: &properties)
                guard isSpaceOrEnd(byte()) else { throw fail("a space is missing after the tag or anchor") }
            case UInt8(ascii: "|"), UInt8(ascii: ">"): return try blockScalar(n, properties)
            default: break reading
            }
        }
        let isJSON = try flowContent(n + 1, inFlow: false, properties)
        if !isJSON, byte() == UInt8(ascii: ":"),
            let lineBreak = bytes[offset..<position].lastIndex(where: { isBreakOrEnd($0) })
        {
            position = lineBreak + 1
            throw fail(
                "this line is indented further than the keys above; put it below them", at: position + countSpaces())
        }
        try endLine()
    }

    /// `s-l+block-indented(n,c)`: a collection may start on the line of the indicator.
    private mutating func blockIndented(_ n: Int, out: Bool) throws(YAMLError) {
        let indent = countSpaces()
        if indent > 0 {
            position += indent
            if byte() == UInt8(ascii: "-"), isSpaceOrEnd(byte(1)) {
                return try blockSequence(n + 1 + indent, YAMLProperties())
            }
            if !isSpaceOrEnd(byte()), try mappingKey() {
                return try blockMapping(n + 1 + indent, YAMLProperties())
            }
            position -= indent
        }
        try blockNode(n, out: out)
    }

    /// `l+block-sequence(n)` from its first `-`, which stands in column `indent`.
    private mutating func blockSequence(_ indent: Int, _ properties: YAMLProperties) throws(YAMLError) {
        try enter()
        events.append(YAMLEvent(kind: .sequenceStart(flow: false), properties: properties, offset: position))
        while true {
            position += 1
            try blockIndented(indent, out: false)
            guard try nextEntry(indent) else { break }
            guard byte() == UInt8(ascii: "-"), isSpaceOrEnd(byte(1)) else {
                position -= indent
                break
            }
        }
        events.append(YAMLEvent(kind: .sequenceEnd, offset: position))
        leave()
    }

    /// `l+block-mapping(n)`. The first key was read by `mappingKey`; its events are the last ones.
    private mutating func blockMapping(_ indent: Int, _ properties: YAMLProperties) throws(YAMLError) {
        try enter()
        let start = YAMLEvent(kind: .mappingStart(flow: false), properties: properties, offset: keyOffset)
        events.insert(start, at: keyEvents)
        while true {
            if isExplicitKey {
                isExplicitKey = false
                position += 1
                try blockIndented(indent, out: true)
                let line = position
                if try nextEntry(indent), byte() == UInt8(ascii: ":"), isSpaceOrEnd(byte(1)) {
                    position += 1
                    try blockIndented(indent, out: true)
                } else {
                    position = line
                    scalar("", .plain, YAMLProperties(), at: position)
                }
            } else {
                try blockNode(indent, out: true)
            }
            guard try nextEntry(indent) else { break }
            guard try mappingKey() else { throw missingKey() }
        }
        events.append(YAMLEvent(kind: .mappingEnd, offset: position))
        leave()
    }

    /// Goes to the next line's content when that stands exactly `indent` columns in; false when the collection ends.
    private mutating func nextEntry(_ indent: Int) throws(YAMLError) -> Bool {
        if position >= bytes.count || isAtAnyMarker { return false }
        let spaces = countSpaces()
        if spaces < indent { return false }
        if spaces > indent { throw unfit() }
        position += indent
        if byte() == 0x09 { throw unfit() }
        return true
    }

    private func missingKey() -> YAMLError {
        if byte() == UInt8(ascii: "-"), isSpaceOrEnd(byte(1)) {
            return fail("a list item stands where a key is needed; check how far it is indented")
        }
        return fail("a key is missing; write 'key: value', with a space after the ':'")
    }

    /// Tries a key: `? `, or a node on one line with `:` behind it (`ns-s-block-map-implicit-key`). When there is one,
    /// its events are appended and the position is behind the `:`, for `? ` at the question mark.
    private mutating func mappingKey() throws(YAMLError) -> Bool {
        keyEvents = events.count
        keyOffset = position
        if byte() == UInt8(ascii: "?"), isSpaceOrEnd(byte(1)) {
            isExplicitKey = true
            return true
        }
        let before = state
        singleLine = true
        defer { singleLine = false }
        do throws(YAMLError) {
            if try implicitKey() { return true }
        } catch {
            // Not a key: what is wrong is said when the same text is read as a value.
        }
        state = before
        return false
    }

    private mutating func implicitKey() throws(YAMLError) -> Bool {
        let start = position
        let events = events.count
        var properties = YAMLProperties()
        while byte() == UInt8(ascii: "&") || byte() == UInt8(ascii: "!") {
            try property(into: &properties)
            guard isWhite(byte()) else { return false }
            skipWhite()
        }
        if byte() == UInt8(ascii: ":"), isSpaceOrEnd(byte(1)) {
            scalar("", .plain, properties, at: start)
        } else {
            guard canStartKey else { return false }
            _ = try flowContent(0, inFlow: false, properties)
            skipWhite()
        }
        guard byte() == UInt8(ascii: ":"), isSpaceOrEnd(byte(1)), position - start <= Limits.yamlKeyBytesMax else {
            return false
        }
        position += 1
        keyEvents = events
        keyOffset = start
        return true
    }

    private var canStartKey: Bool {
        switch byte() {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "*"): true
        default: canStartPlain(inFlow: false)
        }
    }

    mutating func scalar(_ text: String, _ style: YAMLEvent.Style, _ properties: YAMLProperties, at offset: Int) {
        events.append(YAMLEvent(kind: .scalar(style), text: text, properties: properties, offset: offset))
    }
}
