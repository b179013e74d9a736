/// Command-line arguments described as data, so that parsing, `--help` and shell completion come from one table.
package struct Command: Sendable {
    package struct Flag: Sendable {
        package enum Value: Sendable, Equatable {
            /// Present or absent; takes no value, though `--name=false` is understood.
            case none
            /// One value, named so in the help text; the last one given counts.
            case one(String)
            /// Any number of values, in order.
            case many(String)
        }
        package let name: String
        package let short: Character?
        package let value: Value
        package let help: String
        /// Used when the flag is absent; shown in the help text.
        package let fallback: String?
        /// Known values, offered by shell completion; an open set.
        package let choices: [String]

        package init(
            _ name: String, short: Character? = nil, _ value: Value = .none, fallback: String? = nil,
            choices: [String] = [], help: String
        ) {
            self.name = name
            self.short = short
            self.value = value
            self.help = help
            self.fallback = fallback
            self.choices = choices
        }
    }

    package let name: String
    package let summary: String
    /// The positional arguments as the usage line shows them, such as `KIND [NAME]`. Empty: none are taken.
    package let operands: String
    package let flags: [Flag]
    /// Paragraphs or examples that close the help text.
    package let notes: String

    package init(name: String, summary: String, operands: String = "", flags: [Flag] = [], notes: String = "") {
        self.name = name
        self.summary = summary
        self.operands = operands
        self.flags = flags
        self.notes = notes
    }
}

/// A command line that does not fit its `Command`; exit code 2.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The parsed form of a command line.
package struct Arguments: Equatable, Sendable {
    private var values: [String: [String]] = [:]
    package private(set) var operands: [String] = []
    /// What followed a bare `--`.
    package private(set) var rest: [String] = []
    /// `--help` or `-h` was given; nothing else was checked.
    package private(set) var wantsHelp = false
    private var fallbacks: [String: String] = [:]

    package func has(_ name: String) -> Bool { values[name].map { $0.last != "false" } ?? false }
    package func all(_ name: String) -> [String] { values[name] ?? fallbacks[name].map { [$0] } ?? [] }
    package subscript(name: String) -> String? { all(name).last }
    /// True when the user gave the flag, not only its default.
    package func isGiven(_ name: String) -> Bool { values[name] != nil }

    /// A whole number in `range`.
    package func int(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(UsageError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "--\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return number
    }

    /// A duration such as `8s`, `1m30s`, `24h`, `250ms`.
    package func duration(_ name: String) throws(UsageError) -> Duration? {
        guard let text = self[name] else { return nil }
        guard let duration = Duration(parsing: text) else {
            throw UsageError("--\(name) takes a duration such as 8s, 1m30s or 24h, not \"\(text)\"")
        }
        return duration
    }

    package init() {}

    /// Parses what follows the program's name (or a sub-command's). Flags and operands may be mixed.
    package init(_ words: [String], for command: Command) throws(UsageError) {
        for flag in command.flags { fallbacks[flag.name] = flag.fallback }
        var words = words[...]
        while let word = words.popFirst() {
            if word == "--" {
                rest = Array(words)
                break
            } else if word == "--help" || word == "-h" {
                wantsHelp = true
                return
            } else if word.hasPrefix("--") {
                try long(word.dropFirst(2), &words, command)
            } else if word.hasPrefix("-"), word.count > 1 {
                try short(word.dropFirst(), &words, command)
            } else {
                operands.append(word)
            }
        }
        if command.operands.isEmpty, let extra = operands.first {
            throw UsageError("\(command.name) takes no argument \"\(extra)\"; see \(command.name) --help")
        }
    }

    private mutating func long(_ word: Substring, _ words: inout ArraySlice<String>, _ command: Command)
        throws(UsageError)
    {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, let flag = command.flags.first(where: { $0.name == name }) else {
            throw UsageError("\(command.name) has no flag --\(parts.first ?? ""); see \(command.name) --help")
        }
        try store(flag, parts.count == 2 ? String(parts[1]) : nil, &words)
    }

    private mutating func short(_ word: Substring, _ words: inout ArraySlice<String>, _ command: Command)
        throws(UsageError)
    {
        var word = word
        while let letter = word.popFirst() {
            guard let flag = command.flags.first(where: { $0.short == letter }) else {
                throw UsageError("\(command.name) has no flag -\(letter); see \(command.name) --help")
            }
            if flag.value != .none, !word.isEmpty {
                if word.first == "=" { word.removeFirst() }
                return try store(flag, String(word), &words)
            }
            try store(flag, nil, &words)
        }
    }

    private mutating func store(_ flag: Command.Flag, _ inline: String?, _ words: inout ArraySlice<String>)
        throws(UsageError)
    {
        if flag.value == .none {
            values[flag.name, default: []].append(inline ?? "true")
        } else if let value = inline ?? words.popFirst() {
            values[flag.name, default: []].append(value)
        } else {
            throw UsageError("--\(flag.name) needs a value")
        }
    }
}

extension Command {
    /// The whole `--help` text, wrapped for 100 columns, without colour.
    package var help: String {
        var text = "\(summary)\n\nUsage: \(name)"
        if !flags.isEmpty { text += " [flags]" }
        if !operands.isEmpty { text += " \(operands)" }
        text += "\n"
        if !flags.isEmpty {
            text += "\nFlags:\n"
            let heads = flags.map(\.head)
            let width = min(34, heads.map(\.count).max() ?? 0)
            for (flag, head) in zip(flags, heads) {
                text += "  " + head
                text +=
                    head.count > width
                    ? "\n" + String(repeating: " ", count: width + 4)
                    : String(repeating: " ", count: width - head.count + 2)
                text += flag.help
                if let fallback = flag.fallback { text += " (default \(fallback))" }
                text += "\n"
            }
        }
        return notes.isEmpty ? text : text + "\n" + notes + "\n"
    }
}

extension Command.Flag {
    fileprivate var head: String {
        let letter = short.map { "-\($0), " } ?? "    "
        switch value {
        case .none: return "\(letter)--\(name)"
        case .one(let shape): return "\(letter)--\(name) \(shape)"
        case .many(let shape): return "\(letter)--\(name) \(shape)…"
        }
    }
}
