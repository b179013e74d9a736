import Shared

/// The scheduler.
extension Wiring {
    mutating func addScheduler(_ client: (String) -> Client) {
        let identity = client("kube-scheduler")
        let queue = queue("kube-scheduler")
        let scheduler = Scheduler(
            client: identity, caches: caches, recorder: recorder(identity, Scheduler.name), clock: clock, queue: queue)
        run("kube-scheduler", scheduler, queue, workers: Limits.parallelBindingsMax)
    }
}
