import Shared

/// Titles and hints of a server's Table.
struct TableColumn: Equatable, Sendable {
    let name: String
    /// `integer`, `string`, `date`, …
    let type: String
    /// 0 shows always, more is for wide tables.
    let priority: Int
}

/// What a list and its watch have to tell.
enum FeedNews: Sendable {
    /// A page of a list; `remaining` is the server's estimate of what is still to come.
    case page([Item], columns: [TableColumn], isFirst: Bool, remaining: Int?)
    /// The list is complete: objects that were not in it are gone.
    case listed
    /// Changes in their order; nil removes.
    case changed([Change])
    /// The watch is open: what is shown is what there is.
    case live
    /// The connection is lost; a new attempt comes after `retry`.
    case lost(String, retry: Duration)
    /// The server refuses; asking again makes no sense before something changes.
    case refused(Status)

    enum Change: Sendable, Equatable {
        case put(Item)
        case removed(Item.Key)
    }
}
