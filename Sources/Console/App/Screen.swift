import Shared

/// One screen: its state, what it does on a command, and how it looks. All of it is pure.
protocol Screen: Sendable {
    var scope: Scope { get }
    /// For the line under the header: where one is, such as `Pods` or `pod web-1`.
    var title: String { get }
    /// Beside the title, quieter: counts, filter, order.
    func subtitle(_ world: World) -> Line
    /// The text typed after `/`.
    var filterText: String { get }
    mutating func setFilter(_ text: String, _ world: World)

    /// What it wants to see live.
    func feeds(_ world: World) -> [FeedKey]
    func logs(_ world: World) -> [LogKey]

    /// The objects that commands act on.
    func targets(_ world: World) -> [Target]
    func availability(_ command: Intent, _ world: World) -> Availability
    mutating func perform(_ command: Intent, _ world: World) -> [Step]

    /// Called with what changed in a feed.
    mutating func observe(_ key: FeedKey, _ changes: [(old: Item?, new: Item?)], _ world: World)
    mutating func observe(_ key: LogKey, _ news: LogNews, _ world: World)
    /// Called before a frame; `area` is where `draw` will draw.
    mutating func settle(_ world: World, _ area: Area)
    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World)
}

extension Screen {
    func subtitle(_ world: World) -> Line { [] }
    var filterText: String { "" }
    mutating func setFilter(_ text: String, _ world: World) {}
    func feeds(_ world: World) -> [FeedKey] { [] }
    func logs(_ world: World) -> [LogKey] { [] }
    func targets(_ world: World) -> [Target] { [] }
    mutating func observe(_ key: FeedKey, _ changes: [(old: Item?, new: Item?)], _ world: World) {}
    mutating func observe(_ key: LogKey, _ news: LogNews, _ world: World) {}
    mutating func settle(_ world: World, _ area: Area) {}
}

/// What a screen asks of the app around it.
enum Step: Sendable {
    case push(any Screen)
    /// Right above the first screen, in place of all others: where a typed command leads.
    case go(any Screen)
    case pop
    case home
    case say(String, Style.Tone)
    case ask(Dialog)
    case prompt(Prompt)
    case effect(Effect)
    case namespace(String)
    case quit
}

/// A question before something is done. The focus starts on Cancel, and moving it takes another key than confirming:
/// a key that is held down can never confirm.
struct Dialog: Equatable, Sendable {
    let title: String
    /// What will be affected.
    let body: [Line]
    /// The word on the button: `Delete`.
    let verb: String
    let effects: [Effect]
    var confirms = false
}

/// The line at the bottom where something is typed.
struct Prompt: Equatable, Sendable {
    enum Purpose: Equatable, Sendable {
        case command
        case filter(before: String)
        case scale([Target], from: Int)
    }
    let purpose: Purpose
    let label: String
    var text: String
    /// Characters before the cursor.
    var position: Int

    init(_ purpose: Purpose, label: String, text: String = "") {
        self.purpose = purpose
        self.label = label
        self.text = text
        position = text.count
    }

    /// Changes the text as a line editor does. True when the key was one of its own.
    mutating func edit(_ key: Key) -> Bool {
        var characters = Array(text)
        switch key {
        case .character(let character):
            guard characters.count < Limits.promptCharactersMax else { return true }
            characters.insert(character, at: position)
            position += 1
        case .backspace, .control("h"):
            guard position > 0 else { return true }
            characters.remove(at: position - 1)
            position -= 1
        case .delete, .control("d"):
            if position < characters.count { characters.remove(at: position) }
        case .left, .control("b"): position = max(0, position - 1)
        case .right, .control("f"): position = min(characters.count, position + 1)
        case .home, .control("a"): position = 0
        case .end, .control("e"): position = characters.count
        case .control("u"):
            characters.removeFirst(position)
            position = 0
        case .control("k"): characters.removeLast(characters.count - position)
        case .control("w"):
            while position > 0, characters[position - 1] == " " { characters.remove(at: position - 1); position -= 1 }
            while position > 0, characters[position - 1] != " " { characters.remove(at: position - 1); position -= 1 }
        default: return false
        }
        text = String(characters)
        return true
    }

    /// Pasted text is typed, never run: line breaks become spaces.
    mutating func insert(_ pasted: String) {
        for character in pasted { _ = edit(.character(character.isNewline ? " " : character)) }
    }
}
