import Shared

extension Limits {
    /// Objects asked for in one page of a list. Source: kubectl's and client-go's default chunk.
    static let pageItems = 500
    /// Fastest frame rate; changes that come faster share a frame.
    static let frameMilliseconds = 33
    /// How long the cluster's news are taken in before keys are looked for again.
    static let newsMilliseconds = 8
    /// A lone escape byte becomes the escape key after this time.
    static let escapeMilliseconds = 25
    /// Longest text that one paste may bring; the rest is dropped.
    static let pasteBytesMax = 65_536
    /// Longest command, filter or other line typed by the user; further characters are ignored.
    static let promptCharactersMax = 4_096
    /// Log lines kept for one log screen; the oldest go first and the screen says how many did.
    static let logLinesMax = 50_000
    /// Bytes of one log line that are kept; the rest is cut and marked.
    static let logLineBytesMax = 16_384
    /// Changes of a table that wait to be put in order, beyond as many as it has rows.
    static let changesMax = 4_096
    /// Moments kept for the strip of recent events.
    static let momentsMax = 500
    /// Entries kept in the action log.
    static let messagesMax = 1_000
    /// Screens that can lie on top of each other; the oldest but the first goes.
    static let screensMax = 32
    /// Owners whose lost pods are remembered to say "recreated elsewhere".
    static let departedMax = 1_000
    /// Problems shown; the heading counts all of them.
    static let problemsMax = 1_000
    /// Lines of a difference that are computed; longer manifests show the whole new text.
    static let diffLinesMax = 5_000
    /// Seconds between two questions whether the API server is there, and how long an answer may take.
    static let pulseSeconds = 3
    /// Different texts, label sets and owners that are kept once for all objects; past that the pool begins anew.
    static let poolValuesMax = 200_000
    /// Pods from which problems are looked for once a second at most.
    static let problemsPodsMany = 2_000
    /// Characters kept of what a container or the kubelet says; the rest is cut.
    static let messageCharactersMax = 600
    /// Pods of one workload whose logs are read at once; the screen says of how many.
    static let logPodsMax = 20
    /// Lines shown of the log of a container that ended.
    static let lastLinesMax = 8
    /// Smallest screen that is drawn; below it a sentence says so.
    static let screenSizeMin = Size(60, 15)
}
