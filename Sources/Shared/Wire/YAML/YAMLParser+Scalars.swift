/// Scalars in all five styles (YAML 1.2.2, chapters 7.3 and 8.1).
extension YAMLParser {
    // MARK: - Plain

    /// `ns-plain-first(c)`.
    func canStartPlain(inFlow: Bool) -> Bool {
        switch byte() {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"): isPlainSafe(byte(1), inFlow: inFlow)
        case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"),
            UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"),
            UInt8(ascii: ">"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"),
            UInt8(ascii: "`"):
            false
        default: !isSpaceOrEnd(byte())
        }
    }

    /// `ns-plain-safe(c)`.
    func isPlainSafe(_ byte: UInt8, inFlow: Bool) -> Bool {
        !isSpaceOrEnd(byte) && !(inFlow && isFlowIndicator(byte))
    }

    /// `ns-plain(n,c)`: ends behind its last character.
    mutating func plain(_ n: Int, inFlow: Bool) -> String {
        let first = plainLine(inFlow: inFlow)
        if singleLine { return text(first) }
        var end = position
        skipWhite()
        guard byte() == 0x0A || byte() == 0x0D else {
            position = end
            return text(first)
        }
        var result = Array(bytes[first])
        while byte() == 0x0A || byte() == 0x0D {
            let empty = skipEmptyLines()
            guard position < bytes.count, !isAtAnyMarker, countSpaces() >= n else { break }
            skipWhite()
            if byte() == UInt8(ascii: "#") || (byte() == UInt8(ascii: ":") && !isPlainSafe(byte(1), inFlow: inFlow))
                || (inFlow && isFlowIndicator(byte()))
            {
                break
            }
            fold(empty, into: &result)
            result.append(contentsOf: bytes[plainLine(inFlow: inFlow)])
            end = position
            skipWhite()
        }
        position = end
        return String(decoding: result, as: UTF8.self)
    }

    /// `nb-ns-plain-in-line(c)`.
    private mutating func plainLine(inFlow: Bool) -> Range<Int> {
        let start = position
        var index = position
        var end = position
        scanning: while index < bytes.count {
            switch bytes[index] {
            case 0x0A, 0x0D: break scanning
            case 0x20, 0x09:
                index += 1
                continue
            case UInt8(ascii: ":"):
                guard isPlainSafe(index + 1 < bytes.count ? bytes[index + 1] : 0, inFlow: inFlow) else {
                    break scanning
                }
            case UInt8(ascii: "#"): if end < index { break scanning }
            case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                if inFlow { break scanning }
            default: break
            }
            index += 1
            end = index
        }
        position = end
        return start..<end
    }

    /// From a line break to the start of the next line with content; the number of empty lines between.
    private mutating func skipEmptyLines() -> Int {
        skipBreak()
        var count = 0
        while position < bytes.count {
            let start = position
            skipWhite()
            guard byte() == 0x0A || byte() == 0x0D else {
                if position < bytes.count { position = start }
                break
            }
            skipBreak()
            count += 1
        }
        return count
    }

    private func fold(_ empty: Int, into text: inout [UInt8]) {
        if empty == 0 { text.append(0x20) } else { text.append(contentsOf: repeatElement(0x0A, count: empty)) }
    }

    // MARK: - Quoted

    /// `c-single-quoted(n,c)`.
    mutating func singleQuoted(_ n: Int) throws(YAMLError) -> String {
        let open = position
        position += 1
        var result: [UInt8] = []
        while position < bytes.count {
            let next = byte()
            switch next {
            case UInt8(ascii: "'"):
                position += 1
                guard byte() == UInt8(ascii: "'") else { return String(decoding: result, as: UTF8.self) }
                position += 1
                result.append(next)
            case 0x0A, 0x0D:
                while let last = result.last, isWhite(last) { result.removeLast() }
                fold(try quotedBreak(n), into: &result)
            default:
                position += 1
                result.append(next)
            }
        }
        throw fail("the text in quotes that opens here is never closed", at: open)
    }

    /// `c-double-quoted(n,c)`.
    mutating func doubleQuoted(_ n: Int) throws(YAMLError) -> String {
        let open = position
        position += 1
        var result: [UInt8] = []
        // White space up to here was written as an escape and stays when a line is folded.
        var floor = 0
        while position < bytes.count {
            let next = byte()
            switch next {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                if byte() == 0x0A || byte() == 0x0D {
                    let empty = try quotedBreak(n)
                    result.append(contentsOf: repeatElement(0x0A, count: empty))
                } else {
                    try escape(into: &result)
                }
                floor = result.count
            case 0x0A, 0x0D:
                while result.count > floor, let last = result.last, isWhite(last) { result.removeLast() }
                fold(try quotedBreak(n), into: &result)
            default:
                position += 1
                result.append(next)
            }
        }
        throw fail("the text in quotes that opens here is never closed", at: open)
    }

    /// From a line break in quotes to the next content; the number of empty lines.
    private mutating func quotedBreak(_ n: Int) throws(YAMLError) -> Int {
        if singleLine { throw fail("a key must stand on one line") }
        let empty = skipEmptyLines()
        if isAtAnyMarker { throw fail("the document ends before the quotes are closed") }
        if position < bytes.count, countSpaces() < n {
            throw fail("lines inside quotes must be indented with spaces, further than the key above")
        }
        skipWhite()
        return empty
    }

    /// `c-ns-esc-char`, behind the backslash.
    private mutating func escape(into text: inout [UInt8]) throws(YAMLError) {
        let sign = byte()
        let start = position - 1
        position += 1
        switch sign {
        case UInt8(ascii: "0"): text.append(0)
        case UInt8(ascii: "a"): text.append(7)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "t"), 0x09: text.append(9)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "v"): text.append(11)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "e"): text.append(27)
        case 0x20, UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"): text.append(sign)
        case UInt8(ascii: "N"): text.append(contentsOf: "\u{85}".utf8)
        case UInt8(ascii: "_"): text.append(contentsOf: "\u{A0}".utf8)
        case UInt8(ascii: "L"): text.append(contentsOf: "\u{2028}".utf8)
        case UInt8(ascii: "P"): text.append(contentsOf: "\u{2029}".utf8)
        case UInt8(ascii: "x"): try append(try hex(2), to: &text, at: start)
        case UInt8(ascii: "U"): try append(try hex(8), to: &text, at: start)
        case UInt8(ascii: "u"):
            var code = try hex(4)
            if (0xD800..<0xDC00).contains(code), byte() == UInt8(ascii: "\\"), byte(1) == UInt8(ascii: "u") {
                position += 2
                let low = try hex(4)
                guard (0xDC00..<0xE000).contains(low) else { throw fail("this escape is no character", at: start) }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            try append(code, to: &text, at: start)
        default: throw fail("this escape is unknown; write '\\\\' for a backslash or use single quotes", at: start)
        }
    }

    private func append(_ code: UInt32, to text: inout [UInt8], at start: Int) throws(YAMLError) {
        guard let scalar = Unicode.Scalar(code) else { throw fail("this escape is no character", at: start) }
        text.append(contentsOf: String(Character(scalar)).utf8)
    }

    private mutating func hex(_ count: Int) throws(YAMLError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Character(Unicode.Scalar(byte())).hexDigitValue else {
                throw fail("\(count) hexadecimal digits are needed after the backslash escape")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    // MARK: - Block

    private enum Chomping { case strip, clip, keep }

    /// `c-l+literal(n)` and `c-l+folded(n)`; ends at the start of a line.
    mutating func blockScalar(_ n: Int, _ properties: YAMLProperties) throws(YAMLError) {
        let start = position
        let isFolded = byte() == UInt8(ascii: ">")
        position += 1
        var chomping: Chomping?
        var given: Int?
        while !isSpaceOrEnd(byte()) {
            switch byte() {
            case UInt8(ascii: "+") where chomping == nil: chomping = .keep
            case UInt8(ascii: "-") where chomping == nil: chomping = .strip
            case UInt8(ascii: "1")...UInt8(ascii: "9") where given == nil: given = Int(byte() - UInt8(ascii: "0"))
            default: throw fail("after '|' or '>' only '+', '-' and one digit from 1 to 9 may stand")
            }
            position += 1
        }
        let header = position
        skipWhite()
        if byte() == UInt8(ascii: "#"), position > header { skipToBreak() }
        guard isBreakOrEnd(byte()) else { throw fail("the text must start on the line after '|' or '>'") }
        skipBreak()
        let indent = if let given { max(n, 0) + given } else { try blockIndent(n) }
        let text = try blockText(indent, isFolded: isFolded, chomping ?? .clip)
        scalar(text, isFolded ? .folded : .literal, properties, at: start)
        skipCommentLines()
    }

    /// The indent of the first line with content.
    private func blockIndent(_ n: Int) throws(YAMLError) -> Int {
        var scout = self
        scout.events = []
        var longest = 0
        while scout.position < bytes.count {
            let spaces = scout.countSpaces()
            let isMarker = spaces == 0 && scout.isAtAnyMarker
            scout.position += spaces
            guard isBreakOrEnd(scout.byte()) else {
                if isMarker || spaces < n + 1 { break }
                if spaces < longest {
                    throw scout.fail("an empty line above is indented further than this first line of the text")
                }
                return spaces
            }
            longest = max(longest, spaces)
            scout.skipBreak()
        }
        return max(longest, n + 1)
    }

    private mutating func blockText(_ indent: Int, isFolded: Bool, _ chomping: Chomping) throws(YAMLError) -> String {
        var result: [UInt8] = []
        var empty = 0
        var hasContent = false
        var wasSpaced = false
        var endsWithBreak = false
        while position < bytes.count {
            let spaces = min(countSpaces(), indent)
            let next = byte(spaces)
            if next == 0x0A || next == 0x0D {
                position += spaces
                skipBreak()
                empty += 1
                continue
            }
            if next == 0 {
                position = bytes.count
                // White space without a line break at the very end counts as a line, as in other readers.
                if !hasContent || chomping == .keep { empty += 1 }
                break
            }
            if spaces < indent {
                if next == 0x09 { throw unfit() }
                break
            }
            if spaces == 0, isAtAnyMarker { break }
            position += spaces
            let line = position
            skipToBreak()
            let isSpaced = isWhite(next)
            if !hasContent {
                result.append(contentsOf: repeatElement(0x0A, count: empty))
            } else if isFolded, !isSpaced, !wasSpaced {
                fold(empty, into: &result)
            } else {
                result.append(contentsOf: repeatElement(0x0A, count: empty + 1))
            }
            result.append(contentsOf: bytes[line..<position])
            // At the very end of the text a line of white space needs no break of its own.
            endsWithBreak = position < bytes.count || bytes[line..<position].allSatisfy { isWhite($0) }
            skipBreak()
            empty = 0
            hasContent = true
            wasSpaced = isSpaced
        }
        switch chomping {
        case .strip: break
        case .clip: if hasContent, endsWithBreak { result.append(0x0A) }
        case .keep:
            if hasContent, endsWithBreak { result.append(0x0A) }
            result.append(contentsOf: repeatElement(0x0A, count: empty))
        }
        return String(decoding: result, as: UTF8.self)
    }
}
