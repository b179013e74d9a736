/// Flow collections, aliases, tags and anchors (YAML 1.2.2, chapters 6.9 and 7).
extension YAMLParser {
    /// A flow node's content at the position: alias, quoted, `[…]`, `{…}` or plain. `n` is the least indent of further
    /// lines. True for the kinds after which `:` needs no space (`c-flow-json-node`).
    mutating func flowContent(_ n: Int, inFlow: Bool, _ properties: YAMLProperties) throws(YAMLError) -> Bool {
        let start = position
        switch byte() {
        case UInt8(ascii: "*"):
            if !properties.isEmpty { throw fail("an alias can not have an anchor or a tag of its own") }
            position += 1
            let name = try anchorName()
            events.append(YAMLEvent(kind: .alias, text: name, offset: start))
            return false
        case UInt8(ascii: "\""): scalar(try doubleQuoted(n), .doubleQuoted, properties, at: start)
        case UInt8(ascii: "'"): scalar(try singleQuoted(n), .singleQuoted, properties, at: start)
        case UInt8(ascii: "["): try flowSequence(n, properties)
        case UInt8(ascii: "{"): try flowMapping(n, properties)
        default:
            guard canStartPlain(inFlow: inFlow) else { throw badStart(inFlow: inFlow) }
            scalar(plain(n, inFlow: inFlow), .plain, properties, at: start)
            return false
        }
        return true
    }

    private func badStart(inFlow: Bool) -> YAMLError {
        let sign = Character(Unicode.Scalar(byte()))
        switch byte() {
        case 0: return fail("the text ends before the bracket is closed")
        case UInt8(ascii: "-") where !inFlow:
            return fail("a list item can not stand here; start it on a line of its own")
        case UInt8(ascii: "#"): return fail("a space is missing before the comment")
        case UInt8(ascii: ","): return fail("a value is missing before ','")
        case 0x80...0xFF: return fail("a value can not start with this character; put it in quotes")
        default: return fail("a value can not start with '\(sign)'; put it in quotes")
        }
    }

    /// `ns-flow-node(n,c)` inside brackets.
    private mutating func flowNode(_ n: Int) throws(YAMLError) -> Bool {
        var properties = YAMLProperties()
        let start = position
        while byte() == UInt8(ascii: "&") || byte() == UInt8(ascii: "!") {
            try property(into: &properties)
            guard isSpaceOrEnd(byte()) || isFlowIndicator(byte()) else {
                throw fail("a space is missing after the tag or anchor")
            }
            try separate(n)
            if isFlowEnd || isValueSign(afterJSON: false) {
                scalar("", .plain, properties, at: start)
                return false
            }
        }
        return try flowContent(n, inFlow: true, properties)
    }

    private var isFlowEnd: Bool {
        byte() == UInt8(ascii: ",") || byte() == UInt8(ascii: "]") || byte() == UInt8(ascii: "}")
    }
    /// The `:` between key and value in brackets.
    private func isValueSign(afterJSON: Bool) -> Bool {
        byte() == UInt8(ascii: ":") && (afterJSON || !isPlainSafe(byte(1), inFlow: true))
    }

    private mutating func flowSequence(_ n: Int, _ properties: YAMLProperties) throws(YAMLError) {
        try enter()
        let open = position
        events.append(YAMLEvent(kind: .sequenceStart(flow: true), properties: properties, offset: position))
        position += 1
        while true {
            try separate(n)
            if byte() == UInt8(ascii: "]") { break }
            try flowSequenceEntry(n)
            try separate(n)
            if try flowEntryEnds(UInt8(ascii: "]"), open: open) { break }
        }
        position += 1
        events.append(YAMLEvent(kind: .sequenceEnd, offset: position))
        leave()
    }

    /// True at the closing bracket, false behind a comma.
    private mutating func flowEntryEnds(_ close: UInt8, open: Int) throws(YAMLError) -> Bool {
        if byte() == close { return true }
        if byte() == UInt8(ascii: ",") {
            position += 1
            return false
        }
        let sign = Character(Unicode.Scalar(close))
        if byte() == 0 { throw fail("the bracket that opens here is never closed", at: open) }
        throw fail("',' or '\(sign)' is missing")
    }

    /// `ns-flow-seq-entry(n,c)`: a node, or a single pair without braces.
    private mutating func flowSequenceEntry(_ n: Int) throws(YAMLError) {
        let mark = events.count
        let start = position
        let pair = YAMLEvent(kind: .mappingStart(flow: true), offset: start)
        if byte() == UInt8(ascii: "?"), isSpaceOrEnd(byte(1)) {
            events.append(pair)
            position += 1
            try separate(n)
            try flowPair(n)
        } else if isValueSign(afterJSON: false) {
            events.append(pair)
            scalar("", .plain, YAMLProperties(), at: start)
            try flowValue(n)
        } else {
            let isJSON = try flowNode(n)
            let end = position
            skipWhite()
            guard isValueSign(afterJSON: isJSON), end - start <= Limits.yamlKeyBytesMax,
                !bytes[start..<end].contains(where: { isBreakOrEnd($0) })
            else {
                position = end
                return
            }
            events.insert(pair, at: mark)
            try flowValue(n)
        }
        events.append(YAMLEvent(kind: .mappingEnd, offset: position))
    }

    private mutating func flowMapping(_ n: Int, _ properties: YAMLProperties) throws(YAMLError) {
        try enter()
        let open = position
        events.append(YAMLEvent(kind: .mappingStart(flow: true), properties: properties, offset: position))
        position += 1
        while true {
            try separate(n)
            if byte() == UInt8(ascii: "}") { break }
            if byte() == UInt8(ascii: "?"), isSpaceOrEnd(byte(1)) {
                position += 1
                try separate(n)
                try flowPair(n)
            } else if isFlowEnd {
                throw badStart(inFlow: true)
            } else {
                try flowPair(n)
            }
            try separate(n)
            if try flowEntryEnds(UInt8(ascii: "}"), open: open) { break }
        }
        position += 1
        events.append(YAMLEvent(kind: .mappingEnd, offset: position))
        leave()
    }

    /// `ns-flow-map-implicit-entry(n,c)`, or nothing at all after `? `.
    private mutating func flowPair(_ n: Int) throws(YAMLError) {
        if isFlowEnd {
            scalar("", .plain, YAMLProperties(), at: position)
            scalar("", .plain, YAMLProperties(), at: position)
            return
        }
        var isJSON = false
        if isValueSign(afterJSON: false) {
            scalar("", .plain, YAMLProperties(), at: position)
        } else {
            isJSON = try flowNode(n)
            try separate(n)
        }
        if isValueSign(afterJSON: isJSON) {
            try flowValue(n)
        } else {
            scalar("", .plain, YAMLProperties(), at: position)
        }
    }

    /// What follows the `:` at the position.
    private mutating func flowValue(_ n: Int) throws(YAMLError) {
        position += 1
        try separate(n)
        if isFlowEnd { scalar("", .plain, YAMLProperties(), at: position) } else { _ = try flowNode(n) }
    }

    /// `s-separate(n,c)?` in brackets: space, comments and line breaks. A closing bracket may stand further left than
    /// the specification allows, as in many manifests.
    private mutating func separate(_ n: Int) throws(YAMLError) {
        let before = position
        skipWhite()
        if byte() == UInt8(ascii: "#"), position > before || isAtLineStart { skipToBreak() }
        guard byte() == 0x0A || byte() == 0x0D else { return }
        if singleLine { throw fail("a key must stand on one line") }
        skipBreak()
        skipCommentLines()
        if position >= bytes.count { return }
        if isAtAnyMarker { throw fail("the document ends before the bracket is closed") }
        let indent = countSpaces()
        let start = position
        skipWhite()
        if indent < n, byte() != UInt8(ascii: "]"), byte() != UInt8(ascii: "}") {
            throw fail("lines inside brackets must be indented with spaces, further than the key above", at: start)
        }
    }

    // MARK: - Properties

    /// Reads `&anchor` or `!tag`.
    mutating func property(into properties: inout YAMLProperties) throws(YAMLError) {
        let start = position
        position += 1
        if bytes[start] == UInt8(ascii: "&") {
            if properties.anchor != nil { throw fail("a value can have one anchor only", at: start) }
            properties.anchor = try anchorName()
        } else {
            if properties.tag != nil { throw fail("a value can have one tag only", at: start) }
            properties.tag = try tag(from: start)
        }
    }

    private mutating func anchorName() throws(YAMLError) -> String {
        let start = position
        while !isSpaceOrEnd(byte()), !isFlowIndicator(byte()) { position += 1 }
        if position == start { throw fail("a name is missing after '\(Character(Unicode.Scalar(bytes[start - 1])))'") }
        return text(start..<position)
    }

    /// `c-ns-tag-property`, behind its first `!`.
    private mutating func tag(from start: Int) throws(YAMLError) -> String {
        if byte() == UInt8(ascii: "<") {
            position += 1
            let begin = position
            while isURIByte(byte()) || isFlowIndicator(byte()) || byte() == UInt8(ascii: "!") {
                if byte() == UInt8(ascii: "{") || byte() == UInt8(ascii: "}") { break }
                position += 1
            }
            guard byte() == UInt8(ascii: ">"), position > begin else {
                throw fail("'>' is missing at the end of the tag")
            }
            position += 1
            return unescaped(begin..<position - 1)
        }
        var handle = "!"
        var begin = position
        while isWordByte(byte()) { position += 1 }
        if byte() == UInt8(ascii: "!") {
            position += 1
            handle = text(start..<position)
            begin = position
        }
        while isURIByte(byte()) { position += 1 }
        if position == begin {
            if handle == "!" { return "!" }
            throw fail("a name is missing after '\(handle)'")
        }
        guard let prefix = prefix(of: handle) else {
            throw fail("the tag '\(handle)' is not declared; add a line '%TAG \(handle) …' above", at: start)
        }
        return prefix + unescaped(begin..<position)
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
    /// `ns-tag-char`.
    private func isURIByte(_ byte: UInt8) -> Bool { isWordByte(byte) || Self.uriSigns.contains(byte) }
    private static let uriSigns = Array("%#;/?:@&=+$_.~*'()".utf8)

    private func unescaped(_ range: Range<Int>) -> String {
        guard bytes[range].contains(UInt8(ascii: "%")) else { return text(range) }
        var result: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < range.upperBound,
                let code = UInt8(text(index + 1..<index + 3), radix: 16)
            {
                result.append(code)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
