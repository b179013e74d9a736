import Shared

/// The scheduler.
extension Wiring {
    mutating func addScheduler(_ client: (String) -> Client, _ configuration: SchedulerConfiguration) {
        let identity = client("kube-scheduler")
        let queue = queue("kube-scheduler")
        var recorders: [String: Recorder] = [:]
        for profile in configuration.profiles { recorders[profile.name] = recorder(identity, profile.name) }
        let scheduler = Scheduler(
            client: identity, caches: caches, recorders: recorders, clock: clock, queue: queue,
            configuration: configuration)
        run("kube-scheduler", scheduler, queue, workers: Limits.parallelBindingsMax)
    }
}
