/// Everything a key can ask for. What it means is up to the screen; where it is found is in `Keymap`.
enum Intent: String, Hashable, Sendable, CaseIterable {
    // Moving.
    case up, down, left, right, pageUp, pageDown, top, bottom, nextGroup, previousGroup
    // Going somewhere.
    case open, back, home, pods, problems, namespaces, owner, help, messages
    // Looking closer.
    case why, describe, yaml, logs, previousLogs, nextContainer
    // Arranging.
    case prompt, filter, nextMatch, previousMatch, wide, sortName, sortAge, sortStatus, sortNext, sortPrevious, reverse
    case mark, clearMarks, follow, timestamps, wrap
    // Acting.
    case scale, restart, edit, delete, kill, killContainer, cordon, uncordon, drain, shell, apply, copy
    // The program itself.
    case undo, redraw, suspend, quit
}

/// Whether a command can be used on what is selected.
enum Availability: Equatable, Sendable {
    case yes
    /// It belongs here, but not now: the reason is shown.
    case no(String)
    /// It has no meaning here.
    case hidden
}

/// The kinds of screen, as the key table knows them.
enum Scope: Hashable, Sendable, CaseIterable {
    case topology, table, detail, logs, problems, why, messages, help, plan
}

extension Set<Scope> {
    static let objects: Set = [.topology, .table, .detail, .problems, .why]
    static let texts: Set = [.detail, .logs, .help, .plan]
    static let everywhere = Set(Scope.allCases)
}
