import Shared
import Synchronization

/// Durations of many equal actions. A class: many tasks add to one.
final class Figures: Sendable {
    private let values = Mutex<[Duration]>([])

    func add(_ value: Duration) { values.withLock { $0.append(value) } }

    var count: Int { values.withLock { $0.count } }

    /// The value that `share` (0…1) of all values do not exceed; zero when there are none.
    func quantile(_ share: Double) -> Duration {
        let sorted = values.withLock { $0.sorted() }
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    /// `p50 1.2 ms, p99 3.4 ms, n=1000`.
    var summary: String {
        "p50 \(Figures.text(quantile(0.5))), p99 \(Figures.text(quantile(0.99))), n=\(count)"
    }

    /// Milliseconds with two digits that matter.
    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.inSeconds * 1000
        let scale: Double = milliseconds < 1 ? 1000 : milliseconds < 100 ? 10 : 1
        let rounded = (milliseconds * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded)) ms" : "\(rounded) ms"
    }

    /// Prints one line: what was measured, then the figure.
    static func show(_ what: String, _ figure: String) {
        StandardStreams.out("\(what)\(String(repeating: " ", count: max(1, 58 - what.count)))\(figure)")
    }

    /// Prints a rate and the durations of its actions.
    func show(_ what: String, in whole: Duration) {
        Figures.show(what, "\(Int(Double(count) / max(whole.inSeconds, 0.001)))/s, \(summary)")
    }
}
