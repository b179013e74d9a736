import Shared

/// The whole state of the console. `receive` is its only way to change; views read it; effects leave as values.
struct AppState: Sendable {
    var world: World
    private(set) var screens: [any Screen]
    private(set) var prompt: Prompt?
    private(set) var dialog: Dialog?
    /// The last thing said, until the next key.
    private(set) var notice: World.Entry?
    private(set) var size: Size
    private(set) var history: [String] = []
    private var historyIndex: Int?
    /// What runs on behalf of the screens: the difference to what they want becomes effects.
    private var followed: Set<FeedKey> = []
    private var read: Set<LogKey> = []
    /// The command to run as soon as discovery has told what resources there are; esc and other commands end the wait.
    private var pendingCommand: String?

    init(world: World, size: Size, firstCommand: String? = nil) {
        self.world = world
        self.size = size
        pendingCommand = firstCommand
        screens = [TopologyScreen()]
    }

    var top: any Screen { screens[screens.count - 1] }
    var body: Area { Area(x: 0, y: 2, width: size.width, height: size.height - 4) }

    /// Takes in one message. Call `settle` before drawing.
    mutating func receive(_ message: Message) -> [Effect] {
        var effects: [Effect] = []
        switch message {
        case .input(.key(let key)): effects = receive(key)
        case .input(.paste(let text)):
            prompt?.insert(text)
            promptChanged()
        case .resized(let size): self.size = size
        case .tick(let now): world.now = max(now, world.now)
        case .feed(let key, let news): receive(key, news)
        case .logs(let key, let news): eachScreen { $0.observe(key, news, $1) }
        case .discovered(let resources):
            world.catalog = Catalog(resources: AppState.merge(resources), isComplete: true)
            if let command = pendingCommand.take() { effects = perform(run(command)) }
        case .pulse(let pulse): effects = receive(pulse)
        case .finished(let action, let outcome): receive(action, outcome)
        case .planned(let plan): effects = perform([.push(PlanScreen(plan))])
        case .say(let text, let tone):
            say(text, tone)
            if tone == .bad { world.record(text, tone) }
        case .resumed: effects = [.redraw]
        case .terminated: return [.quit(0)]
        }
        return effects + subscriptions()
    }

    /// Prepares the caches of the visible screen. Called once per frame, so that many changes cost one rebuilding.
    mutating func settle() {
        refreshProblems()
        screens[screens.count - 1].settle(world, body)
    }

    // MARK: What the cluster tells.

    private var problemsVersion = -1
    private var problemsAt = Timestamp(nanoseconds: 0)

    private mutating func refreshProblems() {
        // Versions only grow, so their sum changes when one does; time matters for what takes long.
        let version =
            World.overview.reduce(0) { $0 + world.feed($1).version } &* 64 &+ Int(world.now.seconds / 10 % 64)
        guard version != problemsVersion else { return }
        if world.pods.count > Limits.problemsPodsMany, world.now - problemsAt < .seconds(1) { return }
        problemsVersion = version
        problemsAt = world.now
        world.problems = Problems.find(world)
    }

    private mutating func receive(_ key: FeedKey, _ news: FeedNews) {
        // News of a feed that was let go meanwhile.
        guard followed.contains(key) else { return }
        let wasComplete = world.feeds[key]?.isComplete ?? false
        let changes = world.feeds[key, default: Feed()].receive(news, now: world.now)
        if key == .all(.pods) { world.tally.observe(changes) }
        if World.overview.contains(key) {
            world.timeline.observe(key.resource, changes, isFirstList: !wasComplete, now: world.now)
        }
        eachScreen { $0.observe(key, changes, $1) }
    }

    private mutating func receive(_ pulse: Pulse) -> [Effect] {
        let was = world.pulse
        world.pulse = pulse
        switch (was, pulse) {
        case (.down, .up):
            world.record("the API server answers again", .good)
            say("The API server answers again.", .good)
            return [.reconnect]
        case (.up, .down(_, let why)), (.unknown, .down(_, let why)):
            world.record("the API server does not answer: \(why)", .bad)
        default: break
        }
        return []
    }

    private mutating func receive(_ action: Action, _ outcome: ActionEnd) {
        switch outcome {
        case .done:
            world.record(action.done, .good)
            say(action.done.capitalizedSentence, .good)
        case .failed(let why):
            world.record("\(action.title) failed: \(why)", .bad)
            say("\(action.title.capitalizedSentence) failed: \(why)", .bad)
        }
    }

    private mutating func eachScreen(_ body: (inout any Screen, World) -> Void) {
        for index in screens.indices { body(&screens[index], world) }
    }

    private mutating func say(_ text: String, _ tone: Style.Tone) {
        notice = World.Entry(time: world.now, text: text, tone: tone)
    }

    /// Resources of discovery, with the ones the console knows where the server does not tell.
    private static func merge(_ resources: [Resource]) -> [Resource] {
        let found = Set(resources)
        return resources + Resource.known.filter { !found.contains($0) && resources.isEmpty }
    }

    private mutating func subscriptions() -> [Effect] {
        let wanted = Set(World.overview + screens.flatMap { $0.feeds(world) })
        let logs = Set(screens.flatMap { $0.logs(world) })
        var effects: [Effect] = []
        for key in followed.subtracting(wanted) {
            effects.append(.unfollow(key))
            world.feeds[key] = nil
        }
        for key in wanted.subtracting(followed) { effects.append(.follow(key)) }
        for key in read.subtracting(logs) { effects.append(.stopLogs(key)) }
        for key in logs.subtracting(read) { effects.append(.readLogs(key)) }
        followed = wanted
        read = logs
        return effects
    }

    // MARK: What the user does.

    private mutating func receive(_ key: Key) -> [Effect] {
        notice = nil
        if key == .escape, pendingCommand.take() != nil { return [] }
        if dialog != nil { return receiveInDialog(key) }
        if prompt != nil { return receiveInPrompt(key) }
        if case .character(let digit) = key, let number = digit.wholeNumberValue, digit.isASCII,
            [.topology, .table, .problems].contains(top.scope)
        {
            return perform(favourite(number))
        }
        if key == .character("q"), screens.count == 1, top.filterText.isEmpty { return [.quit(0)] }
        guard let command = command(for: key) else { return [] }
        return run(command)
    }

    /// The command that a key means here: the first one of the table that is not hidden.
    private mutating func command(for key: Key) -> Intent? {
        for binding in Keymap.bindings(in: top.scope) where binding.keys.contains(key) {
            switch availability(binding.command) {
            case .yes: return binding.command
            case .no(let reason):
                say(reason, .warn)
                return nil
            case .hidden: continue
            }
        }
        return nil
    }

    func availability(_ command: Intent) -> Availability {
        switch command {
        case .prompt, .help, .home, .problems, .messages, .namespaces, .redraw, .suspend, .quit: .yes
        case .undo: world.isReadOnly ? .no("The console is read-only.") : .yes
        case .back: screens.count > 1 || !top.filterText.isEmpty ? .yes : .hidden
        default: top.availability(command, world)
        }
    }

    private mutating func run(_ command: Intent) -> [Effect] {
        switch command {
        case .prompt: prompt = Prompt(.command, label: ":")
        case .filter:
            prompt = Prompt(.filter(before: top.filterText), label: "/", text: top.filterText)
        case .back: return back()
        case .help: return perform([.push(HelpScreen(from: top.scope))])
        case .home: return perform([.home])
        case .problems: return perform([.push(ProblemsScreen())])
        case .messages: return perform([.push(MessagesScreen())])
        case .namespaces: return perform([.push(ListScreen(.namespaces))])
        case .undo: return perform([.say("Looking up the last change…", .busy), .effect(.planUndo)])
        case .redraw: return [.redraw, .reconnect]
        case .suspend: return [.suspend]
        case .quit: return [.quit(0)]
        default: return perform(screens[screens.count - 1].perform(command, world))
        }
        return []
    }

    private mutating func back() -> [Effect] {
        if !top.filterText.isEmpty {
            screens[screens.count - 1].setFilter("", world)
        } else if screens.count > 1 {
            screens.removeLast()
        }
        return []
    }

    /// 0 is all namespaces, 1 to 9 the ones used last.
    private func favourite(_ number: Int) -> [Step] {
        if number == 0 { return [.namespace("")] }
        guard number <= world.favourites.count else {
            return [.say("There is no namespace on key \(number) yet; n chooses one.", .warn)]
        }
        return [.namespace(world.favourites[number - 1])]
    }

    /// Performs what a screen asked for.
    mutating func perform(_ steps: [Step]) -> [Effect] {
        var effects: [Effect] = []
        for step in steps {
            switch step {
            case .push(let screen):
                screens.append(screen)
                if screens.count > Limits.screensMax { screens.remove(at: 1) }
            case .go(let screen): screens = [screens[0], screen]
            case .pop: if screens.count > 1 { screens.removeLast() }
            case .home: screens.removeSubrange(1...)
            case .say(let text, let tone): say(text, tone)
            case .ask(let dialog): self.dialog = dialog
            case .prompt(let prompt): self.prompt = prompt
            case .effect(let effect):
                if case .perform(let action) = effect { world.record(action.title, .text) }
                effects.append(effect)
            case .namespace(let name):
                world.namespace = name
                if !name.isEmpty, !world.favourites.contains(name) {
                    world.favourites = Array(([name] + world.favourites).prefix(9))
                }
                say(name.isEmpty ? "All namespaces." : "Namespace \(name).", .accent)
            case .quit: effects.append(.quit(0))
            }
        }
        return effects
    }

    // MARK: Dialog and prompt.

    private mutating func receiveInDialog(_ key: Key) -> [Effect] {
        guard var open = dialog else { return [] }
        switch key {
        case .left, .right, .tab, .backTab, .up, .down:
            open.confirms.toggle()
            dialog = open
        case .enter:
            dialog = nil
            if open.confirms {
                // The screen that showed what would happen has done its work.
                let steps = open.effects.map(Step.effect) + (top.scope == .plan ? [.pop] : [])
                return perform(steps)
            }
            say("Nothing was changed.", .faint)
        case .escape, .character("q"), .character("n"), .control("c"):
            dialog = nil
            say("Nothing was changed.", .faint)
        default: break
        }
        return []
    }

    private mutating func receiveInPrompt(_ key: Key) -> [Effect] {
        guard let open = prompt else { return [] }
        switch key {
        case .enter:
            prompt = nil
            historyIndex = nil
            return finish(open)
        case .escape, .control("c"):
            prompt = nil
            historyIndex = nil
            if case .filter(let before) = open.purpose { screens[screens.count - 1].setFilter(before, world) }
        case .tab where open.purpose == .command: complete()
        case .up where open.purpose == .command: recall(-1)
        case .down where open.purpose == .command: recall(1)
        default:
            if prompt?.edit(key) == true { promptChanged() }
        }
        return []
    }

    /// A filter acts while it is typed.
    private mutating func promptChanged() {
        guard let open = prompt, case .filter = open.purpose else { return }
        screens[screens.count - 1].setFilter(open.text, world)
    }

    private mutating func finish(_ open: Prompt) -> [Effect] {
        switch open.purpose {
        case .filter: return []
        case .command:
            let text = open.text.trimmingSpaces
            guard !text.isEmpty else { return [] }
            history = Array((history.filter { $0 != text } + [text]).suffix(100))
            return perform(run(text))
        case .scale(let targets, let before):
            guard let count = Int(open.text.trimmingSpaces), (0...100_000).contains(count) else {
                return perform([
                    .say("\"\(open.text)\" is no number of replicas; give a whole number such as 3.", .warn)
                ])
            }
            return perform(Actions.scale(targets, to: count, from: before, world))
        }
    }

    private mutating func recall(_ step: Int) {
        let index = (historyIndex ?? history.count) + step
        guard history.indices.contains(index) else { return }
        historyIndex = index
        prompt = Prompt(.command, label: ":", text: history[index])
    }

    /// What the first word of the command could become.
    var completions: [String] {
        guard let prompt, prompt.purpose == .command, !prompt.text.isEmpty else { return [] }
        let words = prompt.text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        if words.count == 1 {
            let own = PromptCommand.verbs.map(\.name).filter { $0.hasPrefix(words[0].lowercased()) }
            return (own + world.catalog.completions(of: words[0])).uniqued()
        }
        guard words.count == 2, let word = words.last, !word.hasPrefix("/"), !word.hasPrefix("-") else { return [] }
        let spaces = Set(world.pods.keys.map(\.namespace)).union(world.feed(.all(.namespaces)).items.keys.map(\.name))
        return spaces.filter { $0.hasPrefix(word) }.sorted()
    }

    private mutating func complete() {
        guard let first = completions.first, let open = prompt else { return }
        var words = open.text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        words[words.count - 1] = first
        prompt = Prompt(.command, label: ":", text: words.joined(separator: " ") + (words.count == 1 ? " " : ""))
    }

    private mutating func run(_ text: String) -> [Step] {
        let command = PromptCommand(text)
        pendingCommand = nil
        guard world.catalog.isComplete || command.isKnown(to: world.catalog) else {
            pendingCommand = text
            return [.say("Reading which resources the server has…", .busy)]
        }
        return command.steps(world)
    }
}
