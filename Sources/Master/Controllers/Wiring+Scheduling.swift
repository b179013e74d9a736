import Shared

/// The scheduler.
extension Wiring {
    mutating func addScheduler(_ client: (String) -> Client, _ settings: Controllers.Settings) {
        let configuration = settings.scheduler
        let identity = client("kube-scheduler")
        let queue = queue("kube-scheduler")
        var recorders: [String: Recorder] = [:]
        for profile in configuration.profiles { recorders[profile.name] = recorder(identity, profile.name) }
        let seed = settings.random.draw { UInt64.random(in: 1 ... .max, using: &$0) }
        let scheduler = Scheduler(
            client: identity, caches: caches, recorders: recorders, clock: clock, queue: queue,
            configuration: configuration, placer: Placer(random: Lottery(seed: seed)))
        run("kube-scheduler", scheduler, queue, workers: Limits.parallelBindingsMax)
    }
}
