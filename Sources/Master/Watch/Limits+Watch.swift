import Shared

extension Limits {
    /// Frames that wait for one watcher; those after them it reads from the ring or the file when it has time.
    static let backlogFramesMax = 1_000
    /// Recent changes of one resource that are kept in memory for watchers who resume; older ones come from the file.
    static let ringChangesMax = 1_024
    /// Bytes of objects that those changes may hold.
    static let ringBytesMax = 4 * 1024 * 1024
    /// Frames that a watcher gets at once while it catches up.
    static let catchUpFramesMax = 500
    /// Seconds between two bookmarks. Source: kube-apiserver, `defaultBookmarkFrequency`.
    static let bookmarkSeconds = 60
}
