import Shared
import Synchronization

/// What the runner needs of a terminal; tests collect canvases instead.
struct Display: Sendable {
    var show: @Sendable (Canvas) -> Void
    var forget: @Sendable () -> Void = {}
    var copy: @Sendable (String) -> Void = { _ in }
    /// False when there is no shell to go back to.
    var suspend: @Sendable () -> Bool = { false }
    var leave: @Sendable () -> Void = {}
    var enter: @Sendable () -> Void = {}
    var size: @Sendable () -> Size = { Size(80, 24) }
}

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
                try await Ledger.$group.withValue(action.group ?? "console-\(clock.now().nanoseconds)") {
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
                let live = try await source.call(ClusterSource.Call(method: "GET", path: target.path()))
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

/// Messages on their way to the reducer. Waiting takes the whole batch.
final class Mailbox: Sendable {
    private struct State {
        var messages: [Message] = []
        var waiter: CheckedContinuation<Void, Never>?
        /// Of a pause between two frames, which a key ends.
        var pause: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func put(_ message: Message) {
        let waiter = state.withLock { state in
            // Ticks do not pile up behind a busy reducer.
            if case .tick = message, state.messages.contains(where: { if case .tick = $0 { true } else { false } }) {
                return nil as CheckedContinuation<Void, Never>?
            }
            state.messages.append(message)
            return state.waiter.take() ?? (message.isInput ? state.pause.take() : nil)
        }
        waiter?.resume()
    }

    /// Waits for a time, or until a key comes.
    func pause(_ time: Duration, _ clock: any WallClock) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.messages.contains(where: \.isInput) { return true }
                state.pause = continuation
                return false
            }
            guard !isOver else { return continuation.resume() }
            // An alarm bridges the clock to the continuation; one that a key has made needless may end a later pause early,
            // which costs nothing.
            Task {
                try? await clock.sleep(for: time)
                state.withLock { $0.pause.take() }?.resume()
            }
        }
    }

    func take() async -> [Message] {
        while true {
            let batch = takeNow()
            if !batch.isEmpty { return batch }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.messages.isEmpty { state.waiter = continuation }
                    return !state.messages.isEmpty
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// What waits now, perhaps nothing.
    func takeNow() -> [Message] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }
}
