import Glibc
import Shared

/// Opens the console on the cluster that the flags choose.
enum ConsoleLaunch {
    static func open(_ arguments: Arguments, places: Places, clock: any WallClock) async throws -> Int32 {
        let session = try await Session.open(arguments, places: places, clock: clock)
        StandardStreams.err("The console is not part of this build; \(session.server) can be asked with kconsole get.")
        return 1
    }
}
