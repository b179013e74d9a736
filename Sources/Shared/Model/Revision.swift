/// One change of the store: numbers rise by one with every change, are never reused and never go back.
/// On the wire it is the text of `resourceVersion`.
package struct Revision: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int64
    package init(_ number: Int64) { self.number = number }
    /// Reads a `resourceVersion`: decimal digits only.
    package init?(_ text: String) {
        guard let number = Int64(text), number >= 0, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        self.number = number
    }
    package static let zero = Revision(0)
    package var next: Revision { Revision(number + 1) }
    package var description: String { String(number) }
    package static func < (left: Revision, right: Revision) -> Bool { left.number < right.number }
}
