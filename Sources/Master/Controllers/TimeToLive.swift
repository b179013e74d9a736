import Shared

/// Deletes finished Jobs when their `ttlSecondsAfterFinished` have passed.
struct TimeToLive: Reconciler {
    let client: Client
    let jobs: Informer<Job>
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let job = jobs.get(namespace: key.namespace, name: key.name), !job.metadata.isDeleting,
            let left = TimeToLive.left(of: job, now: clock.now())
        else { return .settled }
        if left > .zero { return .again(after: left) }
        do {
            try await client.delete(
                Job.self, namespace: job.namespace, name: job.name, propagation: .foreground, uid: job.metadata.uid,
                revision: job.metadata.revision)
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    /// How long the job may still stay; nil when it has not finished or stays for ever.
    static func left(of job: Job, now: Timestamp) -> Duration? {
        guard let seconds = job.secondsAfterFinished, let since = job.status.finish?.lastTransitionTime else {
            return nil
        }
        return since + .seconds(seconds) - now
    }
}
