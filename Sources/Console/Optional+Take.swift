extension Optional {
    /// Gives the value and leaves nil.
    mutating func take() -> Wrapped? {
        defer { self = nil }
        return self
    }
}
