import Shared

/// One column of a table: how an object shows in it, and how it sorts.
struct Column: Sendable {
    enum Role: Sendable { case plain, name, namespace, age, status, rest }
    let title: String
    let role: Role
    /// 0 stays to the end; the highest goes first when the screen is narrow.
    let drop: Int
    let isWide: Bool
    let alignsRight: Bool
    let text: @Sendable (Item, Timestamp) -> Span
    let order: @Sendable (Item) -> SortKey
    /// What a filter looks at: the text, without what is only decoration.
    let search: @Sendable (Item) -> String

    init(
        _ title: String, _ role: Role = .plain, drop: Int = 5, isWide: Bool = false, alignsRight: Bool = false,
        order: (@Sendable (Item) -> SortKey)? = nil, search: (@Sendable (Item) -> String)? = nil,
        _ text: @escaping @Sendable (Item, Timestamp) -> Span
    ) {
        self.title = title
        self.role = role
        self.drop = drop
        self.isWide = isWide
        self.alignsRight = alignsRight
        self.text = text
        self.search = search ?? { text($0, Timestamp(nanoseconds: 0)).text }
        self.order = order ?? { SortKey(text($0, Timestamp(nanoseconds: 0)).text) }
    }

    static let name = Column("NAME", .name, drop: 0, order: { .text($0.name) }) { item, _ in Span(item.name, .strong) }
    static let namespace = Column("NAMESPACE", .namespace, drop: 3, order: { .text($0.namespace) }) { item, _ in
        Span(item.namespace, .faint)
    }
    static let age = Column(
        "AGE", .age, drop: 2, alignsRight: true, order: { .number(-Double($0.created?.nanoseconds ?? 0)) }
    ) { item, now in
        Span(TextFit.age(since: item.created, now), .faint)
    }
    static let labels = Column("LABELS", .rest, drop: 9, isWide: true) { item, _ in
        Span(item.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","), .faint)
    }
}

/// What rows are sorted by: numbers before texts, nothing last.
enum SortKey: Comparable, Sendable {
    case number(Double)
    case text(String)

    /// Reads text as a number, a quantity or an age when it is one.
    init(_ text: String) {
        if let number = Double(text) {
            self = .number(number)
        } else if text.first?.isNumber ?? false, let age = Duration(parsing: text.replacing("y", with: "")) {
            self = .number(age.inSeconds)
        } else if let slash = text.firstIndex(of: "/"), let part = Double(text[..<slash]),
            let whole = Double(text[text.index(after: slash)...])
        {
            self = .number(whole == 0 ? 0 : part / whole)
        } else {
            self = .text(text)
        }
    }
}
