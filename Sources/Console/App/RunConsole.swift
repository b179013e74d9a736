import Glibc
import Shared

/// How the console is started.
struct ConsoleOptions: Sendable {
    var source: ClusterSource
    /// Empty: all namespaces.
    var namespace = ""
    var isReadOnly = false
    var noColor = false
    var environment: [String: String] = [:]
    /// A command to start with, as typed after `:`.
    var command: String?
    var clock: any WallClock = SystemClock()
}

/// Runs the console on this terminal until the user leaves.
/// - Returns: the exit code.
/// - Throws: `TerminalError` when there is no terminal to draw on (exit code 2).
func runConsole(_ options: ConsoleOptions) async throws -> Int32 {
    let terminal = try Terminal(environment: options.environment, noColor: options.noColor)
    let source = options.source
    let now = options.clock.now()
    var world = World(cluster: source.name, server: source.server, now: now)
    world.namespace = options.namespace
    world.isReadOnly = options.isReadOnly
    world.zoneSeconds = localZoneSeconds(now)
    world.abilities = World.Abilities(
        killNode: source.killNode != nil, killContainer: source.killContainer != nil, shell: source.shell != nil)
    let state = AppState(world: world, size: terminal.size, firstCommand: options.command)
    let display = Display(
        show: { terminal.show($0) }, forget: { terminal.forget() }, copy: { terminal.copy($0) },
        suspend: { terminal.suspend() },
        leave: { terminal.leave() }, enter: { terminal.enter() }, size: { terminal.size })
    let runner = EffectRunner(
        source: source, display: display, clock: options.clock, editor: Editor(environment: options.environment))
    signal(SIGPIPE, SIG_IGN)
    terminal.enter()
    defer { terminal.leave() }
    return await runner.run(state) { send in await terminal.events { send(Message($0)) } }
}

/// Seconds that local time is ahead of UTC now. Source: man 3 localtime_r.
private func localZoneSeconds(_ now: Timestamp) -> Int {
    var seconds = time_t(now.seconds)
    var parts = tm()
    tzset()
    return localtime_r(&seconds, &parts) == nil ? 0 : Int(parts.tm_gmtoff)
}
