import Shared
import Synchronization

/// The one place of the console that does something: it feeds messages to the reducer, performs the effects that come
/// out, and draws. An actor, since it owns the running tasks.
///
/// Drawing follows events: the first message after a pause is drawn at once, further ones share a frame of
/// `Limits.frameMilliseconds`.
actor EffectRunner {
    private let source: ClusterSource
    private let display: Display
    private let clock: any WallClock
    private let editor: Editor
    private let mailbox = Mailbox()

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
        while exitCode == nil {
            if !isAway {
                state.settle()
                display.show(Frame.draw(state))
            }
            let drawn = clock.uptime()
            var batch = await mailbox.take()
            // Changes that come faster than frames share one; a key is answered at once.
            let rest = Duration.milliseconds(Limits.frameMilliseconds) - (clock.uptime() - drawn)
            if rest > .zero, !batch.contains(where: \.isInput) {
                await mailbox.pause(rest, clock)
                batch += mailbox.takeNow()
            }
            for message in batch { await perform(state.receive(message)) }
        }
        for task in helpers + feeds.values + logs.values { task.cancel() }
        return exitCode ?? 0
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
