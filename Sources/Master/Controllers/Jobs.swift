import Shared
import Synchronization

/// Runs the pods of a Job until enough of them have succeeded.
final class Jobs: Reconciler {
    /// Index of the pod cache: `namespace/name` of the job that controls a pod.
    static let podIndex = "job"

    private let client: Client
    private let jobs: Informer<Job>
    private let pods: Informer<Pod>
    private let recorder: Recorder
    private let clock: any WallClock
    private let fence = Fence()
    private let ownFence = Fence()
    /// A class for this memory: back-offs outlive a reconciliation, but not the process.
    private let backoffs = Mutex<[ObjectKey: JobBackoff]>([:])

    init(client: Client, jobs: Informer<Job>, pods: Informer<Pod>, recorder: Recorder, clock: any WallClock) {
        self.client = client
        self.jobs = jobs
        self.pods = pods
        self.recorder = recorder
        self.clock = clock
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let job = jobs.get(namespace: key.namespace, name: key.name), let selector = job.selector else {
            try await forget(key)
            return .settled
        }
        let isOwn = { (pod: Pod) in pod.metadata.controller?.uid == job.metadata.uid }
        let known = pods.list(index: Jobs.podIndex, key.path).filter(isOwn)
        guard
            try await fence.isPassed(key, at: pods.revision, present: known, asking: client, about: isOwn),
            ownFence.isPassed(key, at: jobs.revision, present: [job])
        else { return .settled }
        let candidates = known + pods.list(index: PodIndex.orphan, job.namespace)
        let claim = Ownership(of: job, selector: selector, among: candidates) { !$0.isFinished }
        let owned = try await client.apply(claim, owner: job, finalizer: JobPlan.finalizer)
        let backoff = backoffs.withLock { $0[key] ?? JobBackoff() }
        let plan = JobPlan(job, pods: owned, backoff: backoff, now: clock.now())
        try await perform(plan, job, key)
        return plan.again.map { .again(after: $0) } ?? .settled
    }

    private func perform(_ plan: JobPlan, _ job: Job, _ key: ObjectKey) async throws {
        try await Batches.each(plan.delete) { [self] pod in
            try await delete(pod, of: job, freeing: plan.isGivingUp, key)
        }
        let (created, failure) = await Batches.slowStart(plan.create.count) { [self] in
            try await create(plan.create[$0], of: job, key)
        }
        var status = plan.status
        status.active += created
        if status != job.status {
            var update = job
            update.status = status
            ownFence.wrote(try await client.updateStatus(update), for: key)
            for event in plan.events {
                switch event {
                case .normal(let reason, let message): recorder.event(job, .normal, reason, message)
                case .warning(let reason, let message): recorder.event(job, .warning, reason, message)
                }
            }
        }
        // Only now is the end of these pods on record.
        backoffs.withLock { $0[key] = plan.backoff }
        try await Batches.each(plan.finalize) { [self] pod in try await free(pod, key) }
        if let failure, !isNamespaceTerminating(failure) { throw failure }
    }

    private func create(_ new: JobPlan.NewPod, of job: Job, _ key: ObjectKey) async throws {
        do {
            let pod = try await fence.write(for: key) {
                try await client.create(job.pod(index: new.index, annotations: new.annotations))
            }
            recorder.event(job, .normal, "SuccessfulCreate", "Created pod: \(pod.name)")
        } catch {
            if !isNamespaceTerminating(error) {
                recorder.event(job, .warning, "FailedCreate", "Error creating: \(error)")
            }
            throw error
        }
    }

    private func delete(_ pod: Pod, of job: Job, freeing: Bool, _ key: ObjectKey) async throws {
        if freeing { try await free(pod, key, asSeen: true) }
        do {
            try await fence.attempt(for: key) {
                try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, uid: pod.metadata.uid)
            }
            recorder.event(job, .normal, "SuccessfulDelete", "Deleted pod: \(pod.name)")
        } catch let status as Status where status.reason == .notFound {
        } catch {
            recorder.event(job, .warning, "FailedDelete", "Error deleting: \(error)")
            throw error
        }
        fence.deleted(pod, for: key)
    }

    /// Removes the finalizer that kept the pod until it was counted.
    /// - Parameter asSeen: refused with a conflict when the pod has changed: it may have come to an end that counts.
    private func free(_ pod: Pod, _ key: ObjectKey, asSeen: Bool = false) async throws {
        guard pod.isTracked else { return }
        var metadata: JSON = [
            "uid": .string(pod.metadata.uid), "$deleteFromPrimitiveList/finalizers": [.string(JobPlan.finalizer)],
        ]
        if asSeen { metadata["resourceVersion"] = .string(pod.metadata.resourceVersion) }
        let patch: JSON = ["metadata": metadata]
        do {
            let freed = try await client.patch(Pod.self, namespace: pod.namespace, name: pod.name, .strategic, patch)
            fence.wrote(freed, for: key)
        } catch let status as Status where status.reason == .notFound || status.reason == .invalid {}
    }

    /// A job that is gone leaves no pod waiting for it.
    private func forget(_ key: ObjectKey) async throws {
        fence.forget(key)
        ownFence.forget(key)
        backoffs.withLock { _ = $0.removeValue(forKey: key) }
        let orphans = pods.list(index: PodIndex.orphan, key.namespace).filter {
            let labels = $0.metadata.labels
            return (labels["batch.kubernetes.io/job-name"] ?? labels["job-name"]) == key.name
        }
        let left = (pods.list(index: Jobs.podIndex, key.path) + orphans).filter(\.isTracked)
        try await Batches.each(left) { [self] pod in try await free(pod, key) }
        fence.forget(key)
    }
}

extension Job {
    /// A pod of the job. With an index it carries it as annotation, label, host name and environment variable.
    func pod(index: Int?, annotations own: [String: String] = [:]) -> Pod {
        var pod = Pod(from: template, for: self)
        var metadata = pod.metadata
        metadata.finalizers += metadata.finalizers.contains(JobPlan.finalizer) ? [] : [JobPlan.finalizer]
        if let index {
            var annotations = metadata.annotations
            annotations[JobPlan.indexAnnotation] = String(index)
            metadata.annotations = annotations.merging(own) { _, new in new }
            var labels = metadata.labels
            labels[JobPlan.indexAnnotation] = String(index)
            metadata.labels = labels
            metadata.generateName = Job.prefix(name, index)
            let hostname = "\(name)-\(index)"
            if pod.spec.json["hostname"].isNull, hostname.utf8.count <= 63 {
                pod.json["spec"]["hostname"] = .string(hostname)
            }
            for list in ["initContainers", "containers"] {
                let containers = pod.spec.json[list].items
                if !containers.isEmpty { pod.json["spec"][list] = .array(containers.map(Job.naming(index))) }
            }
        }
        pod.metadata = metadata
        return pod
    }

    /// The index stays whole where the server would cut it from a long name. Source: `podGenerateNameWithIndex`.
    private static func prefix(_ name: String, _ index: Int) -> String {
        let end = "-\(index)-"
        return name.prefix(max(0, Limits.generatedNamePrefixMax - end.utf8.count)) + end
    }

    private static func naming(_ index: Int) -> (JSON) -> JSON {
        { container in
            let name = "JOB_COMPLETION_INDEX"
            var environment = container["env"].items
            guard !environment.contains(where: { $0["name"].string == name }) else { return container }
            let path = "metadata.labels['\(JobPlan.indexAnnotation)']"
            environment.append(["name": .string(name), "valueFrom": ["fieldRef": ["fieldPath": .string(path)]]])
            var copy = container
            copy["env"] = .array(environment)
            return copy
        }
    }
}
