/// A parser and what it is fed with.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Right inputs, from which wrong ones are made.
    package let seeds: [[UInt8]]
    /// Pieces of its grammar, put anywhere.
    package let words: [[UInt8]]
    /// Reads an input; answers a sentence when the parser broke a promise, such as that what it wrote reads the same.
    package let feed: @Sendable ([UInt8]) -> String?

    package init(
        _ name: String, seeds: [[UInt8]], words: [String], feed: @escaping @Sendable ([UInt8]) -> String?
    ) {
        self.name = name
        self.seeds = seeds
        self.words = words.map { Array($0.utf8) }
        self.feed = feed
    }
}
