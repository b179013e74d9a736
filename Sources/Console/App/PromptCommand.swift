import Shared

/// What was typed after `:`, in k9s's grammar: `RESOURCE [NAMESPACE] [/FILTER] [-l LABELS]`, or a verb of the console.
struct PromptCommand {
    struct Verb: Sendable {
        let name: String
        let operands: String
        let help: String
    }
    /// Verbs beside the resources; help reads them.
    static let verbs: [Verb] = [
        Verb(name: "topology", operands: "", help: "The picture of the cluster."),
        Verb(name: "problems", operands: "", help: "Everything that is not well."),
        Verb(name: "ns", operands: "[NAME|all]", help: "Choose the namespace."),
        Verb(name: "apply", operands: "FILE", help: "Show what a manifest would change, then apply it."),
        Verb(name: "messages", operands: "", help: "What was done and what failed."),
        Verb(name: "help", operands: "", help: "All keys and commands."),
        Verb(name: "quit", operands: "", help: "Leave the console; the cluster keeps running."),
    ]

    let words: [String]
    /// What stood after `/` or `-l`, up to the end.
    private(set) var filter = ""

    init(_ text: String) {
        var text = Substring(text)
        for mark in [" /", " -l ", " -f ", " !"] {
            if let range = text.firstRange(of: mark) {
                filter = String(mark == " /" ? text[range.upperBound...] : text[range.lowerBound...].dropFirst())
                text = text[..<range.lowerBound]
                break
            }
        }
        words = text.split(separator: " ").map(String.init)
    }

    func steps(_ world: World) -> [Step] {
        guard let verb = words.first else { return [] }
        switch verb.lowercased() {
        case "q", "q!", "qa", "quit", "exit": return [.quit]
        case "topology", "topo", "home", "cluster": return [.home]
        case "problems", "problem", "!": return [.go(ProblemsScreen())]
        case "messages", "msg": return [.go(MessagesScreen())]
        case "help", "h", "?": return [.push(HelpScreen(from: .topology))]
        case "apply":
            guard words.count > 1 else { return [.say("Which file? Type :apply and the path of a manifest.", .warn)] }
            return [
                .say("Asking the server what would change…", .busy),
                .effect(.plan(file: words.dropFirst().joined(separator: " "))),
            ]
        case "ns", "namespace":
            guard words.count > 1 else { return [.push(ListScreen(.namespaces, filter: filter))] }
            return [.namespace(words[1] == "all" || words[1] == "-" ? "" : words[1])]
        default: return open(verb, world)
        }
    }

    private func open(_ word: String, _ world: World) -> [Step] {
        guard let resource = world.catalog.find(word) else {
            let near = world.catalog.near(word).prefix(3)
            let hint =
                near.isEmpty
                ? world.catalog.isComplete ? "tab completes the names there are" : "the server's list is not read yet"
                : "did you mean \(near.map { ":" + $0 }.joined(separator: " or "))?"
            return [.say("The server lists no resource \"\(word)\"; \(hint)", .warn)]
        }
        var steps: [Step] = []
        if words.count > 1, resource.type.isNamespaced { steps.append(.namespace(words[1] == "all" ? "" : words[1])) }
        return steps + [.go(ListScreen(resource, filter: filter))]
    }
}
