/// Why the state can not be opened or copied: one sentence that says what to do next.
struct StoreError: Error, Equatable, CustomStringConvertible {
    let sentence: String
    init(_ sentence: String) { self.sentence = sentence }
    var description: String { sentence }
}
