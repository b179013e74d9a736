/// One row of the key table.
struct Binding: Sendable {
    enum Group: String, Sendable, CaseIterable {
        case go = "Go"
        case look = "Look closer"
        case arrange = "Find and arrange"
        case act = "Act"
        case move = "Move"
        case program = "Program"
    }
    let keys: [Key]
    let command: Intent
    let scopes: Set<Scope>
    let group: Group
    /// One or two words for the bottom line; empty keeps it out of there.
    let label: String
    /// A sentence for the help screen.
    let help: String

    init(
        _ keys: [Key], _ command: Intent, _ scopes: Set<Scope>, _ group: Group, _ label: String = "", _ help: String
    ) {
        self.keys = keys
        self.command = command
        self.scopes = scopes
        self.group = group
        self.label = label
        self.help = help
    }
}

/// The one table of keys: input, help and the bottom line all read it. The grammar is k9s's, but nothing destructive
/// lies on a control chord, and everything destructive asks first.
enum Keymap {
    static let bindings: [Binding] = [
        Binding(
            [.enter], .open, .everywhere, .go, "open",
            "Open what is selected: a Deployment shows its pods, a pod its details."),
        Binding(
            [.escape, .character("q")], .back, .everywhere, .go, "back",
            "Go back one screen. On the first screen, q leaves the console."),
        Binding(
            [.character(":")], .prompt, .everywhere, .go, "command",
            "Type a command, such as :pods, :deploy kube-system or :apply FILE."),
        Binding([.character("H")], .home, .everywhere, .go, "", "Show the picture of the cluster."),
        Binding([.character("P")], .pods, [.topology], .go, "pods", "Show the pods as a table."),
        Binding([.character("!")], .problems, .everywhere, .go, "", "List everything that is not well."),
        Binding(
            [.character("n")], .namespaces, [.topology, .table, .problems], .go, "namespace",
            "Choose the namespace; 0 shows all of them, 1 to 9 the last ones used."),
        Binding(
            [.character("J")], .owner, .objects, .go, "owner",
            "Jump to the owner, such as from a pod to its ReplicaSet."),
        Binding(
            [.character("M")], .messages, .everywhere, .go, "", "Show what was done and what failed in this session."),

        Binding(
            [.character("w")], .why, .objects, .look, "why",
            "Explain why it is not well: the chain of causes, the root first, and what to do."),
        Binding(
            [.character("d")], .describe, .objects, .look, "describe",
            "Describe the object, with its conditions and events, live."),
        Binding([.character("y")], .yaml, .objects, .look, "YAML", "Show the whole object as YAML."),
        Binding([.character("l")], .logs, .objects, .look, "logs", "Read the log of every container, as it grows."),
        Binding(
            [.character("p")], .previousLogs, Set<Scope>.objects.union([.logs]), .look, "previous",
            "Read the log of the run before the last restart."),
        Binding(
            [.character("c")], .nextContainer, [.logs], .look, "container",
            "Show one container after the other, then all again."),
        Binding([.character("?")], .help, .everywhere, .look, "help", "Show and search this help."),

        Binding(
            [.character("/")], .filter, .everywhere, .arrange, "filter",
            "Filter by text or pattern; ! in front keeps what does not match, -l asks for labels, -f is fuzzy."),
        Binding([.character("n")], .nextMatch, .texts, .arrange, "", "Go to the next match."),
        Binding([.character("N")], .previousMatch, .texts, .arrange, "", "Go to the match before."),
        Binding([.character("W"), .control("w")], .wide, [.table], .arrange, "", "Show more columns, or fewer."),
        Binding([.character("N")], .sortName, [.table], .arrange, "", "Sort by name; again turns the order."),
        Binding([.character("A")], .sortAge, [.table], .arrange, "", "Sort by age; again turns the order."),
        Binding([.character("S")], .sortStatus, [.table], .arrange, "", "Sort by status; again turns the order."),
        Binding([.shiftRight, .character(">")], .sortNext, [.table], .arrange, "", "Sort by the next column."),
        Binding([.shiftLeft, .character("<")], .sortPrevious, [.table], .arrange, "", "Sort by the column before."),
        Binding([.character("O")], .reverse, [.table], .arrange, "", "Turn the order."),
        Binding([.character(" ")], .mark, [.table], .arrange, "", "Mark the row for an action on several."),
        Binding([.control("\\")], .clearMarks, [.table], .arrange, "", "Take back all marks."),
        Binding([.character("f")], .follow, [.logs], .arrange, "follow", "Follow the end of the log, or stand still."),
        Binding([.character("t")], .timestamps, [.logs], .arrange, "times", "Show the time of every line."),
        Binding([.character("w")], .wrap, [.logs], .arrange, "wrap", "Break long lines, or cut them."),
        Binding([.character("W")], .wrap, [.detail], .arrange, "", "Break long lines, or cut them."),

        Binding([.character("s")], .scale, .objects, .act, "scale", "Change the number of replicas."),
        Binding(
            [.character("s")], .shell, .objects, .act, "shell",
            "Open a shell in the first container; the console waits behind it."),
        Binding(
            [.character("r")], .restart, .objects, .act, "restart",
            "Replace all pods of a workload, one after the other."),
        Binding([.character("c")], .cordon, .objects, .act, "cordon", "Keep new pods off the node."),
        Binding([.character("u")], .uncordon, .objects, .act, "uncordon", "Let the node take new pods again."),
        Binding([.character("r")], .drain, .objects, .act, "drain", "Cordon the node and move its pods elsewhere."),
        Binding(
            [.character("e")], .edit, .objects, .act, "edit",
            "Edit the object in $EDITOR; the difference is shown before it is saved."),
        Binding(
            [.character("K")], .kill, .objects, .act, "kill",
            "End it at once, as a crash would: a pod without grace, a node like a pulled plug."),
        Binding(
            [.character("C")], .killContainer, .objects, .act, "",
            "End the processes of one container, to watch it restart."),
        Binding(
            [.character("X"), .delete], .delete, .objects, .act, "delete", "Delete it, after showing what goes with it."
        ),
        Binding([.character("a")], .apply, [.plan], .act, "apply", "Apply the changes shown."),
        Binding([.character("c")], .copy, .objects, .act, "", "Copy the name to the clipboard."),

        Binding([.up, .character("k")], .up, .everywhere, .move, "", "Up."),
        Binding([.down, .character("j")], .down, .everywhere, .move, "", "Down."),
        Binding([.left], .left, .everywhere, .move, "", "Left; in the picture, to the node on the left."),
        Binding([.right], .right, .everywhere, .move, "", "Right; in the picture, to the node on the right."),
        Binding([.pageUp, .control("b")], .pageUp, .everywhere, .move, "", "One page up."),
        Binding([.pageDown, .control("f")], .pageDown, .everywhere, .move, "", "One page down."),
        Binding([.home, .character("g")], .top, .everywhere, .move, "", "To the beginning."),
        Binding([.end, .character("G")], .bottom, .everywhere, .move, "", "To the end."),
        Binding(
            [.tab], .nextGroup, [.topology, .detail], .move, "", "To the next node; in details, to the YAML and back."),
        Binding([.backTab], .previousGroup, [.topology], .move, "", "To the node before."),

        Binding(
            [.character("U")], .undo, .everywhere, .act, "",
            "Undo the last change made here, after showing what that does."),
        Binding(
            [.control("l"), .control("r")], .redraw, .everywhere, .program, "",
            "Draw the screen anew and try the connection again."),
        Binding(
            [.control("z")], .suspend, .everywhere, .program, "",
            "Put the console into the background; fg brings it back."),
        Binding([.control("c")], .quit, .everywhere, .program, "", "Leave the console."),
    ]

    static func bindings(in scope: Scope) -> [Binding] { bindings.filter { $0.scopes.contains(scope) } }

    /// The bindings of the bottom line, the most useful first: a narrow screen cuts the end.
    static func hints(in scope: Scope) -> [Binding] {
        bindings(in: scope).filter { !$0.label.isEmpty }.enumerated().sorted { left, right in
            let ranks = (rank(left.element.command), rank(right.element.command))
            return ranks.0 != ranks.1 ? ranks.0 < ranks.1 : left.offset < right.offset
        }.map(\.element)
    }
    private static let order: [Intent] = [
        .open, .apply, .back, .pods, .follow, .why, .logs, .describe, .yaml, .scale, .shell, .restart, .cordon,
        .uncordon,
        .drain, .kill, .delete,
        .filter, .prompt, .namespaces, .previousLogs, .edit, .nextContainer, .timestamps, .wrap,
    ]
    private static func rank(_ command: Intent) -> Int { order.firstIndex(of: command) ?? order.count }
}
