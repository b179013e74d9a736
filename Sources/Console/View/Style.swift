/// What a cell means, not what colour it has: `Palette` turns meaning into colours for the terminal at hand.
struct Style: Hashable, Sendable {
    enum Tone: UInt8, Sendable, CaseIterable {
        /// Ordinary text, and quieter text beside it.
        case text, faint
        /// Headings, the product's own colour, borders.
        case strong, accent, edge
        /// States of things: fine, needs a look, broken, on its way, finished.
        case good, warn, bad, busy, done
    }
    enum Back: UInt8, Sendable, CaseIterable {
        case none
        /// The bands at the top and bottom of the screen.
        case band
        /// The row or tile under the cursor; rows marked for an action; a found text.
        case selected, marked, match
    }
    struct Marks: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        static let bold = Marks(rawValue: 1 << 0)
        static let underline = Marks(rawValue: 1 << 1)
        static let reverse = Marks(rawValue: 1 << 2)
    }

    var tone = Tone.text
    var back = Back.none
    var marks: Marks = []

    init(_ tone: Tone = .text, on back: Back = .none, _ marks: Marks = []) {
        self.tone = tone
        self.back = back
        self.marks = marks
    }
    static let plain = Style()
    static let quiet = Style(.faint)
    static let heading = Style(.strong, .bold)

    init(_ tone: Tone, _ marks: Marks) { self.init(tone, on: .none, marks) }
    func on(_ back: Back) -> Style { Style(tone, on: back, marks) }
    func with(_ marks: Marks) -> Style { Style(tone, on: back, self.marks.union(marks)) }
}

/// A run of text in one style; a line is an array of them.
struct Span: Equatable, Sendable {
    var text: String
    var style: Style
    init(_ text: String, _ style: Style = .plain) {
        self.text = text
        self.style = style
    }
    init(_ text: String, _ tone: Style.Tone) { self.init(text, Style(tone)) }
}

typealias Line = [Span]

extension Line {
    var text: String { map(\.text).joined() }
    var width: Int { reduce(0) { $0 + Width.of(SafeText.clean($1.text)) } }
}
