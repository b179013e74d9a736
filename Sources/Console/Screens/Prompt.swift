import Shared

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
