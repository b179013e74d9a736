import Shared

/// Counts what a namespace really uses and writes it into the status of its quotas. Admission raises the numbers when
/// something is made; this brings them down again when something goes or ends. A count is never older than the quota that
/// it is written into, and the write carries the revision that was read, so that it can not undo what admission added
/// meanwhile. The quota is read from the server: a cache may still show it from before a charge, with just the number
/// that is right again now, and nothing would be written. Source: `resource_quota_controller.go`.
struct QuotaUsage: Reconciler {
    let client: Client
    let pods: Informer<Pod>
    /// Every namespaced kind that is served, one version each.
    let kinds: @Sendable () async -> [KindType]
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        do {
            var quota = try await client.get(ResourceQuota.self, namespace: key.namespace, name: key.name)
            guard !quota.metadata.isDeleting else { return .settled }
            let status: JSON = ["hard": JSON(quota.hard), "used": JSON(try await used(quota))]
            if quota.json["status"] != status {
                quota.json["status"] = status
                _ = try await client.updateStatus(quota)
            }
        } catch let status as Status where status.reason == .notFound { return .settled }
        return .again(after: Limits.quotaLookAgain)
    }

    private func used(_ quota: ResourceQuota) async throws -> [String: String] {
        var used: [String: Quantity] = [:]
        let kinds = await kinds()
        var wanted: [GroupResource: [String]] = [:]
        for name in quota.hard.keys {
            guard let resource = QuotaUsage.resource(counting: name) else { continue }
            wanted[resource, default: []].append(name)
        }
        for (resource, names) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let kind = kinds.first(where: { $0.resource == resource }) else { continue }
            let objects = try await objects(of: kind, countedIn: quota)
            let total = QuotaUsage.total(objects, resource, quota.json["spec"], now: clock.now())
            for name in names { used[name] = total[name] ?? Quantity(0) }
        }
        return used.mapValues(\.description)
    }

    /// The objects that are there, at least all that admission has charged to the quota as it was read.
    private func objects(of kind: KindType, countedIn quota: ResourceQuota) async throws -> [JSON] {
        if kind.resource == Pod.type.resource, let read = quota.metadata.revision,
            QuotaUsage.shows(pods.revision, allChargedTo: read)
        {
            return pods.list(index: PodIndex.namespace, quota.namespace).map(\.json)
        }
        return try await client.listPages(Client.Scope(path: kind.path(namespace: quota.namespace))).items
    }

    /// Whether a cache holds every object that is charged in a quota.
    ///
    /// Admission writes the quota just before the object, in one commit: a cache that has seen a later revision of its
    /// own kind has seen the object.
    static func shows(_ cached: Revision, allChargedTo quota: Revision) -> Bool { cached > quota }

    /// What the objects that the quota covers use, by name.
    static func total(
        _ objects: [JSON], _ resource: GroupResource, _ spec: JSON, now: Timestamp
    ) -> [String: Quantity] {
        var total: [String: Quantity] = [:]
        for object in objects where QuotaScopes(object, resource).areCovered(by: spec) {
            let isDone = QuotaUse.isDone(object, resource, now)
            for (name, amount) in QuotaUse.of(object, resource) where !isDone || name.hasPrefix("count/") {
                total[name] = total[name].map { $0 + amount } ?? amount
            }
        }
        return total
    }

    /// The resource whose objects use what a name of a quota limits.
    static func resource(counting name: String) -> GroupResource? {
        if name.hasPrefix("count/") {
            let parts = name.dropFirst("count/".count).split(separator: ".", maxSplits: 1).map(String.init)
            guard let plural = parts.first else { return nil }
            return GroupResource(group: parts.count > 1 ? parts[1] : "", plural)
        }
        if ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"].contains(name) {
            return GroupResource(name)
        }
        if name == "services" || name.hasPrefix("services.") { return ClusterService.type.resource }
        if name == "persistentvolumeclaims" || name == "requests.storage"
            || name.contains(".storageclass.storage.k8s.io/")
        {
            return GroupResource("persistentvolumeclaims")
        }
        let ofPods =
            ["pods", "cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("requests.")
            || name.hasPrefix("limits.") || name.hasPrefix("hugepages-")
        return ofPods ? Pod.type.resource : nil
    }
}

extension Limits {
    /// After so long a quota is counted anew although nothing was seen to go. Source: `--resource-quota-sync-period`.
    static let quotaLookAgain = Duration.seconds(300)
}
