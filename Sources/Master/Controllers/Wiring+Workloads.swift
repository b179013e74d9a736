import Shared

/// Replica sets, deployments and jobs.
extension Wiring {
    mutating func addWorkloads(_ client: (String) -> Client) {
        addReplicated(client, "replicaset-controller", caches.replicaSets)
        addReplicated(client, "replication-controller", caches.replicationControllers)
        addDeployments(client)
        addJobs(client)
        addCronJobs(client)
    }

    private mutating func addCronJobs(_ client: (String) -> Client) {
        let name = "cronjob-controller"
        let identity = client(name)
        let queue = queue(name)
        caches.cronJobs.wake(queue)
        caches.jobs.wake(owners: CronJob.self, queue)
        let reconciler = CronJobs(
            client: identity, cronJobs: caches.cronJobs, jobs: caches.jobs, recorder: recorder(identity, name),
            clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addReplicated<Owner: Replicated>(
        _ client: (String) -> Client, _ name: String, _ owners: Informer<Owner>
    ) {
        let client = client(name)
        let queue = queue(name)
        let recorder = recorder(client, name)
        let pods = caches.pods
        owners.wake(queue)
        pods.wake(owners: Owner.self, queue) { pod in
            owners.list(index: OwnerIndex.namespace, pod.namespace)
                .filter { $0.selector?.matches(pod.metadata.labels) ?? false }.map(\.key)
        }
        let reconciler = ReplicaSets(client: client, owners: owners, pods: pods, recorder: recorder, clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addDeployments(_ client: (String) -> Client) {
        let name = "deployment-controller"
        let client = client(name)
        let queue = queue(name)
        let (deployments, sets) = (caches.deployments, caches.replicaSets)
        deployments.wake(queue)
        sets.wake(owners: Deployment.self, queue) { set in
            deployments.list(index: OwnerIndex.namespace, set.namespace)
                .filter { $0.selector?.matches(set.metadata.labels) ?? false }.map(\.key)
        }
        // Recreate waits for the last old pod.
        caches.pods.add { change in
            guard case .removed(let pod) = change, let set = pod.metadata.controllerKey(ReplicaSet.self),
                let owner = sets.get(namespace: set.namespace, name: set.name)?.metadata.controllerKey(Deployment.self),
                deployments.get(namespace: owner.namespace, name: owner.name)?.isRecreate ?? false
            else { return }
            queue.add(owner)
        }
        let reconciler = Deployments(
            client: client, deployments: deployments, sets: sets, pods: caches.pods,
            recorder: recorder(client, name), clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addJobs(_ client: (String) -> Client) {
        let name = "job-controller"
        let identity = client(name)
        // Source: `DefaultJobApiBackOff`, `MaxJobApiBackOff`.
        let queue = queue(name, backoff: Backoff(first: .seconds(1), most: .seconds(60)))
        let jobs = caches.jobs
        caches.pods.index(Jobs.podIndex) { pod in pod.metadata.controllerKey(Job.self).map { [$0.path] } ?? [] }
        jobs.wake(queue)
        caches.pods.wake(owners: Job.self, queue) { pod in
            let fitting = jobs.list(index: OwnerIndex.namespace, pod.namespace)
                .filter { $0.selector?.matches(pod.metadata.labels) ?? false }.map(\.key)
            guard fitting.isEmpty, pod.isTracked, let job = pod.metadata.labels["job-name"] else { return fitting }
            return [ObjectKey(Job.type.resource, namespace: pod.namespace, name: job)]
        }
        let reconciler = Jobs(
            client: identity, jobs: jobs, pods: caches.pods, recorder: recorder(identity, name), clock: clock)
        run(name, reconciler, queue)

        let ttl = "ttl-after-finished-controller"
        let ttlQueue = self.queue(ttl)
        jobs.wake(ttlQueue)
        run(ttl, TimeToLive(client: client(ttl), jobs: jobs, clock: clock), ttlQueue, workers: 1)
    }
}
