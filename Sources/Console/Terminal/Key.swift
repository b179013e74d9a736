/// One press of a key, as a terminal can tell it.
enum Key: Hashable, Sendable {
    case character(Character)
    /// A letter with Control held, in lower case.
    case control(Character)
    case enter, escape, tab, backTab, backspace, delete
    case up, down, left, right, home, end, pageUp, pageDown
    case shiftUp, shiftDown, shiftLeft, shiftRight
    case function(Int)
}

extension Key: CustomStringConvertible {
    /// As help and the bottom line show it.
    var description: String {
        switch self {
        case .character(" "): "space"
        case .character(let character): String(character)
        case .control(let letter): "ctrl-\(letter)"
        case .enter: "enter"
        case .escape: "esc"
        case .tab: "tab"
        case .backTab: "shift-tab"
        case .backspace: "backspace"
        case .delete: "del"
        case .up: "↑"
        case .down: "↓"
        case .left: "←"
        case .right: "→"
        case .home: "home"
        case .end: "end"
        case .pageUp: "pgup"
        case .pageDown: "pgdn"
        case .shiftUp: "shift-↑"
        case .shiftDown: "shift-↓"
        case .shiftLeft: "shift-←"
        case .shiftRight: "shift-→"
        case .function(let number): "f\(number)"
        }
    }
}

/// What the terminal sent: a key, or text that was pasted and can never act as keys.
enum Input: Equatable, Sendable {
    case key(Key)
    case paste(String)
}
