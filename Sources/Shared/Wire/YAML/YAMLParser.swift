/// Reads one document after the other as a list of events. It follows the productions of the YAML 1.2.2 grammar;
/// where a method stands for one, its comment names it.
///
/// Time is linear in the text: the only thing read twice is a possible key, which ends at its line's end and after
/// `Limits.yamlKeyBytesMax` bytes.
struct YAMLParser {
    let bytes: [UInt8]
    let file: String
    private let lineStarts: [Int]
    var position = 0
    var events: [YAMLEvent] = []
    /// True while a key is tried: it must not go over its line.
    var singleLine = false
    /// The key that was read last: its first event and byte, and whether it starts with `? `.
    var keyEvents = 0
    var keyOffset = 0
    var isExplicitKey = false
    private var depth = 0
    private var handles: [String: String] = [:]
    /// Directives may stand at the start and after `...` only.
    private var mayHaveDirectives = true

    init(bytes: [UInt8], file: String) throws(YAMLError) {
        self.bytes = bytes
        self.file = file
        var starts = [0]
        var bad: Int?
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x20, byte != 0x7F { continue }
            switch byte {
            case 0x0A: starts.append(index + 1)
            case 0x0D: if index + 1 == bytes.count || bytes[index + 1] != 0x0A { starts.append(index + 1) }
            case 0x09: break
            default: bad = bad ?? index
            }
        }
        lineStarts = starts
        if let bad {
            throw fail("the text holds a control character; write it as an escape inside double quotes", at: bad)
        }
    }

    /// Reads the next document into `events`; false at the end of the stream.
    mutating func nextDocument() throws(YAMLError) -> Bool {
        events.removeAll(keepingCapacity: true)
        handles = [:]
        while true {
            skipByteOrderMark()
            skipCommentLines()
            guard isAtMarker(UInt8(ascii: ".")) else { break }
            position += 3
            try endLine()
            mayHaveDirectives = true
        }
        if position >= bytes.count { return false }
        let hasDirectives = mayHaveDirectives && byte() == UInt8(ascii: "%")
        if hasDirectives { try directives() }
        let explicit = isAtMarker(UInt8(ascii: "-"))
        if hasDirectives, !explicit { throw fail("a line with '---' is missing after the directives") }
        if !explicit, !mayHaveDirectives { throw fail("something follows the document; put '---' on a line before it") }
        events.append(YAMLEvent(kind: .documentStart(explicit: explicit), offset: position))
        if explicit { position += 3 }
        try blockNode(-1, out: false)
        let closed = isAtMarker(UInt8(ascii: "."))
        events.append(YAMLEvent(kind: .documentEnd(explicit: closed), offset: position))
        mayHaveDirectives = closed
        if closed {
            position += 3
            try endLine()
        } else if position < bytes.count, !isAtMarker(UInt8(ascii: "-")) {
            throw unfit()
        }
        return true
    }

    /// `%YAML` and `%TAG`; others are skipped, as the specification asks.
    private mutating func directives() throws(YAMLError) {
        var hasVersion = false
        while byte() == UInt8(ascii: "%") {
            let start = position
            var words: [String] = []
            while !isBreakOrEnd(byte()) {
                let before = position
                skipWhite()
                if byte() == UInt8(ascii: "#"), position > before {
                    position = before
                    break
                }
                let word = position
                while !isSpaceOrEnd(byte()) { position += 1 }
                if position > word { words.append(text(word..<position)) }
            }
            switch words.first {
            case "%YAML":
                let parts =
                    words.dropFirst().first.map { $0.split(separator: ".", omittingEmptySubsequences: false) } ?? []
                guard words.count == 2, parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) })
                else { throw fail("this line must read '%YAML 1.2'", at: start) }
                if hasVersion { throw fail("'%YAML' was written twice", at: start) }
                if parts[0] != "1" { throw fail("only YAML 1 can be read", at: start) }
                hasVersion = true
            case "%TAG":
                guard words.count == 3, words[1].hasPrefix("!"), words[1] == "!" || words[1].hasSuffix("!") else {
                    throw fail("this line must read '%TAG !name! prefix'", at: start)
                }
                if handles[words[1]] != nil { throw fail("'%TAG \(words[1])' was written twice", at: start) }
                handles[words[1]] = words[2]
            default: break
            }
            try endLine()
        }
    }

    /// The prefix that a tag handle stands for.
    func prefix(of handle: String) -> String? {
        if let prefix = handles[handle] { return prefix }
        return handle == "!" ? "!" : handle == "!!" ? "tag:yaml.org,2002:" : nil
    }

    mutating func enter() throws(YAMLError) {
        depth += 1
        if depth > Limits.nestingMax { throw fail("more than \(Limits.nestingMax) levels are nested") }
    }
    mutating func leave() { depth -= 1 }
    /// For going back after a key that was none.
    var state: (position: Int, events: Int, depth: Int) {
        get { (position, events.count, depth) }
        set {
            position = newValue.position
            depth = newValue.depth
            events.removeLast(events.count - newValue.events)
        }
    }
}

// MARK: - Bytes and lines
extension YAMLParser {
    /// The byte ahead; 0 at the end, which no text holds.
    @inline(__always)
    func byte(_ offset: Int = 0) -> UInt8 {
        let index = position + offset
        return index < bytes.count ? bytes[index] : 0
    }
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    @inline(__always) func isWhite(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    @inline(__always) func isBreakOrEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D || byte == 0 }
    @inline(__always) func isSpaceOrEnd(_ byte: UInt8) -> Bool { isWhite(byte) || isBreakOrEnd(byte) }
    func isFlowIndicator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
        default: false
        }
    }

    var isAtLineStart: Bool {
        position == 0 || position > bytes.count || bytes[position - 1] == 0x0A || bytes[position - 1] == 0x0D
    }
    /// `---` or `...` at the start of a line.
    func isAtMarker(_ sign: UInt8) -> Bool {
        byte() == sign && byte(1) == sign && byte(2) == sign && isSpaceOrEnd(byte(3)) && isAtLineStart
    }
    var isAtAnyMarker: Bool { isAtMarker(UInt8(ascii: "-")) || isAtMarker(UInt8(ascii: ".")) }

    mutating func skipWhite() { while isWhite(byte()) { position += 1 } }
    mutating func skipToBreak() { while !isBreakOrEnd(byte()) { position += 1 } }
    mutating func skipBreak() {
        if byte() == 0x0D, byte(1) == 0x0A { position += 2 } else if position < bytes.count { position += 1 }
    }
    mutating func skipByteOrderMark() {
        if byte() == 0xEF, byte(1) == 0xBB, byte(2) == 0xBF { position += 3 }
    }
    /// Spaces from here on; they stay.
    func countSpaces() -> Int {
        var index = position
        while index < bytes.count, bytes[index] == 0x20 { index += 1 }
        return index - position
    }

    /// `l-comment*`: from the start of a line to the start of the next one with content.
    mutating func skipCommentLines() {
        while position < bytes.count {
            let start = position
            skipWhite()
            if byte() == UInt8(ascii: "#") { skipToBreak() }
            guard isBreakOrEnd(byte()) else {
                position = start
                return
            }
            skipBreak()
        }
    }

    /// `s-l-comments`: the rest of the line must be empty or a comment.
    mutating func endLine() throws(YAMLError) {
        if !isAtLineStart {
            let start = position
            skipWhite()
            if byte() == UInt8(ascii: "#") {
                guard position > start else { throw fail("a space is missing before the comment") }
                skipToBreak()
            }
            guard isBreakOrEnd(byte()) else { throw unfit() }
            skipBreak()
        }
        skipCommentLines()
    }

    /// Line and column of a byte, from 1.
    func place(_ offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return (low + 1, offset - lineStarts[low] + 1)
    }

    func fail(_ message: String, at offset: Int? = nil) -> YAMLError {
        let (line, column) = place(offset ?? position)
        return YAMLError(message: message, file: file, line: line, column: column)
    }

    /// The error for text that can not stand where it stands.
    func unfit() -> YAMLError {
        let offset = position + countSpaces()
        let next = offset < bytes.count ? bytes[offset] : 0
        switch next {
        case UInt8(ascii: ":"):
            return fail(
                "a second ':' stands in this line; put the text in quotes or the key on a line of its own", at: offset)
        case 0x09: return fail("a tab stands where spaces are needed; indent with spaces only", at: offset)
        case UInt8(ascii: "]"), UInt8(ascii: "}"): return fail("this bracket was never opened", at: offset)
        default:
            return isAtLineStart
                ? fail("this line does not fit the lines above; check how far it is indented", at: offset)
                : fail("unexpected text after the value; put it in quotes or on a line of its own", at: offset)
        }
    }
}
