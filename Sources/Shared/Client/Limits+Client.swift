extension Limits {
    /// Objects in one page of a LIST that a reader of collections asks for. Source: client-go's pager.
    package static let listPageObjects = 500
    /// Longest line of a watch, bytes; a longer one ends the watch, and the reader lists anew.
    package static let watchLineBytesMax = 2 * objectBytesMax
    /// Keys that may wait in a work queue; one more is dropped, since the next resynchronisation brings it back.
    package static let queueKeysMax = 1_000_000
    /// Events that may wait to be written; the oldest is dropped at the bound.
    package static let pendingEventsMax = 10_000
    /// Events that a recorder remembers in order to count repetitions; the oldest is forgotten at the bound.
    package static let rememberedEventsMax = 4_096
}
