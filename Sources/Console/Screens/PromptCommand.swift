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
        Verb(name: "why", operands: "KIND/NAME", help: "Explain why an object is not well."),
        Verb(name: "undo", operands: "", help: "Take back the last change, after showing what that does."),
        Verb(name: "messages", operands: "", help: "What was done and what failed."),
        Verb(name: "help", operands: "", help: "All keys and commands."),
        Verb(name: "quit", operands: "", help: "Leave the console; the cluster keeps running."),
    ]

    /// Verbs whose operands are taken as they are.
    private static let plain: Set<String> = ["apply", "a", "diff", "why"]

    let words: [String]
    /// What stood after `/` or `-l`, up to the end.
    private(set) var filter = ""

    init(_ text: String) {
        var text = Substring(text)
        // Operands of some verbs are paths and free text, in which a slash is no filter.
        let first = text.split(separator: " ").first.map { $0.lowercased() } ?? ""
        for mark in [" /", " -l ", " -f ", " !"] where !PromptCommand.plain.contains(first) {
            if let range = text.firstRange(of: mark) {
                filter = String(mark == " /" ? text[range.upperBound...] : text[range.lowerBound...].dropFirst())
                text = text[..<range.lowerBound]
                break
            }
        }
        words = text.split(separator: " ").map(String.init)
    }

    /// Whether it can be carried out with what the catalog holds. While the server's list is being read a name that is
    /// not in it may still come.
    func isKnown(to catalog: Catalog) -> Bool {
        guard let verb = words.first?.lowercased() else { return true }
        if verb == "why" {
            let kind = words.dropFirst().first?.split(separator: "/").first
            return kind.map { catalog.find(String($0)) != nil } ?? true
        }
        return PromptCommand.own.contains(verb) || catalog.find(verb) != nil
    }

    /// Every word that is a verb of the console.
    private static let own: Set<String> = [
        "q", "q!", "qa", "quit", "exit", "topology", "topo", "home", "cluster", "problems", "problem", "!", "undo",
        "messages", "msg", "help", "h", "?", "apply", "ns", "namespace",
    ]

    func steps(_ world: World) -> [Step] {
        guard let verb = words.first else { return [] }
        switch verb.lowercased() {
        case "q", "q!", "qa", "quit", "exit": return [.quit]
        case "topology", "topo", "home", "cluster": return [.home]
        case "problems", "problem", "!": return [.go(ProblemsScreen())]
        case "undo": return [.effect(.planUndo)]
        case "why": return why(world)
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

    /// `:why deploy/web`, `:why pod web-1`.
    private func why(_ world: World) -> [Step] {
        let parts = words.dropFirst().flatMap { $0.split(separator: "/").map(String.init) }
        guard parts.count == 2 else {
            return [.say("Why what? Type :why and a kind and name, such as :why deploy/web.", .warn)]
        }
        guard let resource = world.catalog.find(parts[0]) else { return open(parts[0], world) }
        let namespace = world.namespace.isEmpty ? "default" : world.namespace
        let known = world.feeds.filter { $0.key.resource == resource }.values.lazy.flatMap { $0.items.values }
            .filter { $0.name == parts[1] && (world.namespace.isEmpty || $0.namespace == world.namespace) }.first
        let key = known?.key ?? Item.Key(namespace: resource.type.isNamespaced ? namespace : "", name: parts[1])
        return [.push(WhyScreen(Target(resource: resource, key: key, uid: known?.uid ?? "")))]
    }

    private func open(_ word: String, _ world: World) -> [Step] {
        guard let resource = world.catalog.find(word) else {
            let near = world.catalog.near(word).prefix(3)
            let hint =
                near.isEmpty
                ? "tab completes the names there are"
                : "did you mean \(near.map { ":" + $0 }.joined(separator: " or "))?"
            return [.say("The server lists no resource \"\(word)\"; \(hint)", .warn)]
        }
        var steps: [Step] = []
        if words.count > 1, resource.type.isNamespaced { steps.append(.namespace(words[1] == "all" ? "" : words[1])) }
        return steps + [.go(ListScreen(resource, filter: filter))]
    }
}
