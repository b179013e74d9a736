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
