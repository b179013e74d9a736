import Shared

/// Everything that can happen to the console. The reducer sees nothing else.
enum Message: Sendable {
    case input(Input)
    case resized(Size)
    /// Once a second, so that ages move on.
    case tick(Timestamp)
    case feed(FeedKey, FeedNews)
    case logs(LogKey, LogNews)
    case discovered([Resource])
    case pulse(Pulse)
    case finished(Action, ActionEnd)
    case planned(Plan)
    case say(String, Style.Tone)
    /// The terminal is ours again after a shell, an editor or a stop.
    case resumed
    case terminated

    init(_ event: TerminalEvent) {
        self =
            switch event {
            case .input(let input): .input(input)
            case .resized(let size): .resized(size)
            case .resumed: .resumed
            case .terminated: .terminated
            }
    }

    /// Whether a person waits for what it changes: it then overtakes the cluster's news.
    var isUrgent: Bool {
        switch self {
        case .input, .resized, .resumed, .terminated: true
        default: false
        }
    }
}
