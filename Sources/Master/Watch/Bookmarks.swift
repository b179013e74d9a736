import Shared

/// Tells quiet watchers about once a minute how far they have seen, so that they resume from there.
struct Bookmarks: Service {
    let hub: Hub
    let clock: any WallClock

    func run() async throws {
        while true {
            try await clock.sleep(for: .seconds(Limits.bookmarkSeconds))
            for resource in hub.resources { hub.bookmark(resource) }
        }
    }
}
