import Synchronization

/// Where uids and made-up names come from: the system, or a seed that a test can repeat. A class: the generator moves
/// on with every draw.
final class RandomSource: Sendable {
    static let system = RandomSource(SystemRandomNumberGenerator())
    private let generator: Mutex<any RandomNumberGenerator & Sendable>

    init(_ generator: some RandomNumberGenerator & Sendable) { self.generator = Mutex(generator) }

    /// Calls `body` with the generator while nobody else draws.
    func draw<T: Sendable>(_ body: (inout any RandomNumberGenerator & Sendable) -> T) -> T {
        generator.withLock { body(&$0) }
    }
}
