/// One column of the table form of a resource. Source: KEP-491.
struct TableColumn: Sendable, Hashable {
    let name: String
    /// `string`, `integer`, `boolean`, `number`, `date`.
    let type: String
    /// `name` for the column that names the object, else empty.
    var format = ""
    /// 1 for columns that only wide output shows.
    var priority = 0
    /// Nil for a text that follows from the name.
    var description: String?
}
