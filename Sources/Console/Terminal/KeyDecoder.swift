import Shared

/// Turns the bytes of a terminal into keys. Pure: the reader calls `feed` with what arrived and `flush` when nothing
/// followed for `Limits.escapeMilliseconds`, which makes a lone escape byte the escape key.
///
/// Source: ECMA-48 control sequences, xterm's ctlseqs (modifiers, bracketed paste).
struct KeyDecoder {
    private var pending: [UInt8] = []
    private var paste: [UInt8]?
    /// Sequences of this terminal out of terminfo, tried before the common ones.
    private let extra: [[UInt8]: Key]

    init(extra: [[UInt8]: Key] = [:]) { self.extra = extra }

    /// True while the start of a sequence is held back.
    var isWaiting: Bool { !pending.isEmpty && paste == nil }

    mutating func feed(_ bytes: some Sequence<UInt8>) -> [Input] {
        pending.append(contentsOf: bytes)
        return drain(atEnd: false)
    }
    mutating func flush() -> [Input] { drain(atEnd: true) }

    private mutating func drain(atEnd: Bool) -> [Input] {
        var inputs: [Input] = []
        while !pending.isEmpty {
            if paste != nil {
                guard let text = takePaste() else { break }
                inputs.append(.paste(text))
                continue
            }
            guard let (key, used) = next(atEnd: atEnd) else { break }
            pending.removeFirst(used)
            if let key { inputs.append(.key(key)) }
        }
        return inputs
    }

    /// Ends at `ESC [ 201 ~`; the end mark may arrive in pieces.
    private mutating func takePaste() -> String? {
        let mark: [UInt8] = [0x1B, 0x5B, 0x32, 0x30, 0x31, 0x7E]
        var text = paste ?? []
        for index in pending.indices where pending[index] == 0x1B {
            if pending[index...].starts(with: mark) {
                text.append(contentsOf: pending[..<index])
                pending.removeFirst(index + mark.count)
                paste = nil
                return SafeText.decode(text.prefix(Limits.pasteBytesMax))
            }
        }
        let keep =
            pending.lastIndex(of: 0x1B).flatMap { pending.count - $0 < mark.count ? pending.count - $0 : nil } ?? 0
        text.append(contentsOf: pending.dropLast(keep))
        pending = Array(pending.suffix(keep))
        paste = Array(text.prefix(Limits.pasteBytesMax))
        return nil
    }

    /// The next key and its length; a nil key is a sequence without meaning. Nil: more bytes are needed.
    private mutating func next(atEnd: Bool) -> (Key?, Int)? {
        for (sequence, key) in extra where pending.starts(with: sequence) { return (key, sequence.count) }
        let byte = pending[0]
        switch byte {
        case 0x1B: return escape(atEnd: atEnd)
        case 0x0D, 0x0A: return (.enter, 1)
        case 0x09: return (.tab, 1)
        case 0x7F, 0x08: return (.backspace, 1)
        case 0x00: return (.control(" "), 1)
        case 0x01..<0x1B: return (.control(Character(Unicode.Scalar(byte + 0x60))), 1)
        case 0x1C..<0x20: return (.control(Character(Unicode.Scalar(byte + 0x40))), 1)
        case 0x20..<0x7F: return (.character(Character(Unicode.Scalar(byte))), 1)
        default: return text(atEnd: atEnd)
        }
    }

    private func text(atEnd: Bool) -> (Key?, Int)? {
        let length = pending[0] >= 0xF0 ? 4 : pending[0] >= 0xE0 ? 3 : pending[0] >= 0xC2 ? 2 : 1
        if pending.count < length { return atEnd ? (nil, pending.count) : nil }
        let string = String(validating: pending[..<length], as: UTF8.self)
        return string?.first.map { (.character($0), length) } ?? (nil, 1)
    }

    private mutating func escape(atEnd: Bool) -> (Key?, Int)? {
        guard pending.count > 1 else { return atEnd ? (.escape, 1) : nil }
        switch pending[1] {
        case 0x5B: return sequence(atEnd: atEnd)
        case 0x4F:
            guard pending.count > 2 else { return atEnd ? (.escape, 1) : nil }
            return (KeyDecoder.letter(pending[2], modifier: 1), 3)
        default: return (.escape, 1)
        }
    }

    private mutating func sequence(atEnd: Bool) -> (Key?, Int)? {
        guard let end = pending.indices.dropFirst(2).first(where: { (0x40...0x7E).contains(pending[$0]) }) else {
            if atEnd || pending.count > 64 { return (nil, pending.count) }
            return nil
        }
        let fields = pending[2..<end].split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
            Int(String(decoding: $0, as: UTF8.self)) ?? 0
        }
        let modifier = fields.count > 1 ? fields[1] : 1
        if pending[end] == UInt8(ascii: "~") {
            if fields.first == 200 { paste = [] }
            return (KeyDecoder.number(fields.first ?? 0), end + 1)
        }
        return (KeyDecoder.letter(pending[end], modifier: modifier), end + 1)
    }

    private static func letter(_ byte: UInt8, modifier: Int) -> Key? {
        let shifted = modifier == 2
        switch byte {
        case UInt8(ascii: "A"): return shifted ? .shiftUp : .up
        case UInt8(ascii: "B"): return shifted ? .shiftDown : .down
        case UInt8(ascii: "C"): return shifted ? .shiftRight : .right
        case UInt8(ascii: "D"): return shifted ? .shiftLeft : .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "Z"): return .backTab
        case UInt8(ascii: "M"): return .enter
        case UInt8(ascii: "P")...UInt8(ascii: "S"): return .function(Int(byte) - 0x4F)
        default: return nil
        }
    }

    private static func number(_ number: Int) -> Key? {
        switch number {
        case 1, 7: .home
        case 3: .delete
        case 4, 8: .end
        case 5: .pageUp
        case 6: .pageDown
        case 11...15: .function(number - 10)
        case 17...21: .function(number - 11)
        case 23, 24: .function(number - 12)
        default: nil
        }
    }
}
