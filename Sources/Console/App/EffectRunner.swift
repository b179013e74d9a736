import Shared
import Synchronization

/// The one place of the console that does something: it feeds messages to the reducer, performs the effects that come
/// out, and draws. An actor, since it owns the running tasks.
///
/// Drawing follows events: a key is answered at once, whatever else waits; of the cluster's news the first after a pause
/// is drawn at once, and further ones share a frame of `Limits.frameMilliseconds`.
actor EffectRunner {
    private let source: ClusterSource
    private let display: Display
    private let clock: any WallClock
    private let editor: Editor
    private let mailbox = Mailbox()
    /// The cluster's news that were taken out of the mailbox and wait for their turn.
    private var news: ArraySlice<Message> = []

    private var feeds: [FeedKey: Task<Void, Never>] = [:]
    private var logs: [LogKey: Task<Void, Never>] = [:]
    private var exitCode: Int32?
    /// A shell or an editor has the terminal: messages are taken in, nothing is drawn.
    private var isAway = false

    init(source: ClusterSource, display: Display, clock: any WallClock, editor: Editor) {
        self.source = source
        self.display = display
        self.clock = clock
        self.editor = editor
    }

    /// Runs until the reducer asks to quit.
    func run(_ start: AppState, input: @escaping @Sendable (@escaping @Sendable (Message) -> Void) async -> Void) async
        -> Int32
    {
        var state = start
        let mailbox = mailbox
        let clock = clock
        let helpers = [
            Task { await input { mailbox.put($0) } },
            Task { await FeedTask.pulse(source, clock) { mailbox.put($0) } },
            Task { await FeedTask.discover(source, clock) { mailbox.put($0) } },
            Task {
                while !Task.isCancelled {
                    try? await clock.sleep(for: .seconds(1))
                    mailbox.put(.tick(clock.now()))
                }
            },
        ]
        await perform(state.receive(.tick(clock.now())))
        var picture = Picture(drawn: clock.uptime())
        draw(&state, &picture)
        while exitCode == nil {
            let urgent = mailbox.takeUrgent()
            for message in urgent { await perform(state.receive(message)) }
            if !urgent.isEmpty { draw(&state, &picture) }
            if await work(&state) { picture.isOld = true }
            if exitCode != nil || mailbox.hasUrgent { continue }
            // Changes that come faster than frames share one.
            let rest = Duration.milliseconds(Limits.frameMilliseconds) - (clock.uptime() - picture.drawn)
            if picture.isOld, rest <= .zero || picture.isDue {
                draw(&state, &picture)
            } else if news.isEmpty {
                if picture.isOld {
                    await mailbox.pause(rest, clock)
                    picture.isDue = !mailbox.hasUrgent
                } else {
                    await mailbox.wait()
                }
            }
        }
        for task in helpers + feeds.values + logs.values { task.cancel() }
        return exitCode ?? 0
    }

    /// What is on the screen.
    private struct Picture {
        var drawn: Duration
        /// Something has changed since.
        var isOld = false
        /// The time of a frame is over: what has changed is drawn next.
        var isDue = false
    }

    private func draw(_ state: inout AppState, _ picture: inout Picture) {
        if !isAway {
            state.settle()
            display.show(Frame.draw(state))
        }
        picture = Picture(drawn: clock.uptime())
    }

    /// Takes in the cluster's news for a moment, or until something urgent comes.
    /// - Returns: whether there were any.
    private func work(_ state: inout AppState) async -> Bool {
        if news.isEmpty { news = mailbox.takeOthers()[...] }
        guard !news.isEmpty else { return false }
        let end = clock.uptime() + .milliseconds(Limits.newsMilliseconds)
        repeat {
            guard let message = news.popFirst() else { break }
            await perform(state.receive(message))
        } while !mailbox.hasUrgent && clock.uptime() < end
        return true
    }

    // Unstructured tasks below: each bridges one subscription that starts and stops with what screens want, and all
    // are cancelled at the end of `run`.

    private func perform(_ effects: [Effect]) async {
        for effect in effects {
            switch effect {
            case .follow(let key): follow(key)
            case .unfollow(let key): feeds.removeValue(forKey: key)?.cancel()
            case .readLogs(let key): read(key)
            case .stopLogs(let key): logs.removeValue(forKey: key)?.cancel()
            case .perform(let action): act(action)
            case .plan(let file): plan(file)
            case .planUndo: planUndo()
            case .shell(let namespace, let pod, let container): shell(namespace, pod, container)
            case .edit(let target): edit(target)
            case .copy(let text): display.copy(text)
            case .redraw: display.forget()
            case .reconnect:
                for key in Array(feeds.keys) {
                    feeds.removeValue(forKey: key)?.cancel()
                    follow(key)
                }
            case .suspend:
                if !display.suspend() {
                    mailbox.put(.resumed)
                    mailbox.put(.say("No shell waits behind the console; q leaves it.", .warn))
                }
            case .quit(let code): exitCode = code
            }
        }
    }

    private func follow(_ key: FeedKey) {
        let (source, clock, mailbox) = (source, clock, mailbox)
        feeds[key] = Task {
            await FeedTask.run(key, source, clock) { news in
                if !Task.isCancelled { mailbox.put(.feed(key, news)) }
            }
        }
    }
    private func read(_ key: LogKey) {
        let (source, clock, mailbox) = (source, clock, mailbox)
        logs[key] = Task {
            await LogTask.run(key, source, clock) { news in
                if !Task.isCancelled { mailbox.put(.logs(key, news)) }
            }
        }
    }

    private func act(_ action: Action) {
        let (source, clock, mailbox) = (source, clock, mailbox)
        Task {
            do {
                try await source.noting(action.group ?? "console-\(clock.now().nanoseconds)") {
                    try await Work.perform(action.work, source, clock)
                }
                mailbox.put(.finished(action, .done))
            } catch {
                mailbox.put(.finished(action, .failed("\(error)")))
            }
        }
    }

    private func planUndo() {
        let (source, mailbox) = (source, mailbox)
        Task {
            do {
                if let plan = try await source.undo?() {
                    mailbox.put(.planned(plan))
                } else {
                    mailbox.put(
                        .say(
                            "There is nothing to take back: no change made with kconsole in this cluster is known.",
                            .warn))
                }
            } catch {
                mailbox.put(.say("\(error)", .bad))
            }
        }
    }

    private func plan(_ file: String) {
        let (source, mailbox) = (source, mailbox)
        Task {
            do {
                mailbox.put(.planned(try await Work.plan(file: file, source)))
            } catch {
                mailbox.put(.say("\(file): \(error)", .bad))
            }
        }
    }

    private func shell(_ namespace: String, _ pod: String, _ container: String) {
        guard let shell = source.shell else { return }
        giveAway {
            do {
                try await shell(namespace, pod, container)
                return nil
            } catch { return .say("The shell ended: \(error)", .bad) }
        }
    }

    private func edit(_ target: Target) {
        let (source, mailbox, editor) = (source, mailbox, editor)
        Task {
            do {
                let live = try await source.call(Action.Call(method: "GET", path: target.path()))
                giveAway {
                    do {
                        guard let edited = try await editor.edit(source.printManifest(Work.editable(live))) else {
                            return .say("Nothing was changed.", .faint)
                        }
                        return .planned(try Work.plan(edited: edited, live, target, source))
                    } catch { return .say("\(error)", .bad) }
                }
            } catch {
                mailbox.put(.say("\(error)", .bad))
            }
        }
    }

    /// Lets `body` have the terminal. The cluster's news are taken in meanwhile, so that nothing piles up.
    private func giveAway(_ body: @escaping @Sendable () async -> Message?) {
        guard !isAway else { return }
        isAway = true
        display.leave()
        Task {
            let message = await body()
            isAway = false
            display.enter()
            mailbox.put(.resized(display.size()))
            mailbox.put(.resumed)
            if let message { mailbox.put(message) }
        }
    }
}
