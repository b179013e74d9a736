import Shared

extension ControlPlane {
    /// The admission plugins in the order of a real server, over the store.
    static func admission(
        _ store: Store, _ options: Options, _ registry: LiveRegistry, _ authorize: Authorize, _ clock: any WallClock
    ) -> Admission {
        let read: @Sendable (ObjectKey) -> JSON? = { key in try? store.get(key)?.json() }
        let list: @Sendable (GroupResource, String?) -> [JSON] = { resource, namespace in
            store.list(resource, namespace: namespace).items.compactMap { try? $0.json() }
        }
        let namespace: @Sendable (String) -> JSON? = { read(ObjectKey(Namespace.type.resource, name: $0)) }
        let priorityClasses = GroupResource(group: "scheduling.k8s.io", "priorityclasses")
        let storageClasses = GroupResource(group: "storage.k8s.io", "storageclasses")
        let ingressClasses = GroupResource(group: "networking.k8s.io", "ingressclasses")
        let runtimeClasses = GroupResource(group: "node.k8s.io", "runtimeclasses")
        let ranges: @Sendable (String) -> [JSON] = { list(GroupResource("limitranges"), $0) }
        let defaultPriority: @Sendable () -> JSON? = {
            list(priorityClasses, nil).first { $0["globalDefault"] == true }
        }
        var plugins: [AdmissionPlugin] = [
            .namespaceLifecycle(namespace: namespace),
            .limitDefaults(ranges: ranges),
            .serviceAccount { read(ObjectKey(ServiceAccount.type.resource, namespace: $0, name: $1)) },
            .taintNodes,
            .nodeRestriction { read(ObjectKey(Pod.type.resource, namespace: $0, name: $1)) },
            .priority(named: { read(ObjectKey(priorityClasses, name: $0)) }, fallback: defaultPriority),
            .defaultTolerationSeconds(options.notReadyTolerationSeconds),
            .storageInUse,
            .directoryVolumes,
            .runtimeClass { read(ObjectKey(runtimeClasses, name: $0)) },
            .certificateRequests,
            .certificateSubjects,
            .certificateSigners(authorize),
            .defaultIngressClass { list(ingressClasses, nil) },
            .defaultStorageClass { list(storageClasses, nil) },
            .eventRateLimit(
                RateMeter(perSecond: Limits.eventsPerSecond, burst: Limits.eventBurstMax, clock: clock)),
        ]
        if options.toleratesExtendedResources { plugins.append(.extendedResources) }
        plugins += [
            .roleEscalation(authorize),
            .limits(ranges: ranges),
            .podSecurity(namespace: namespace) { list(Pod.type.resource, $0) },
            .defaultPriorityClass(current: defaultPriority),
            .claimResize { read(ObjectKey(storageClasses, name: $0)) },
            .resourceQuotas(QuotaLedger(), clock: clock),
        ]
        return Admission(plugins: plugins, webhooks: webhooks(store, registry, clock, namespace))
    }

    private static func webhooks(
        _ store: Store, _ registry: LiveRegistry, _ clock: any WallClock,
        _ namespace: @escaping @Sendable (String) -> JSON?
    ) -> Webhooks {
        let caller = WebhookCaller(clock: clock) { namespace, name, port in
            ServicePlaces.find(
                service: (try? store.get(ObjectKey(ServiceAddresses.resource, namespace: namespace, name: name))?.json())
                    ?? .null,
                slices: store.list(EndpointSlice.type.resource, namespace: namespace).items.filter {
                    $0.projection.labels[EndpointSlice.serviceLabel] == name
                }.compactMap { try? $0.json() }, port: port)
        }
        return Webhooks(
            list: { resource in store.list(resource).items.compactMap { try? $0.json() } }, namespace: namespace,
            versions: { resource in
                registry.current.resources.filter {
                    $0.groupResource == resource.groupResource && $0.version != resource.version
                        && $0.schemaType == nil && resource.schemaType == nil
                }
            },
            normalize: { object, resource throws(Status) in
                var decoded = try resource.decode(object, .ignore, duplicates: []).object
                Defaults.apply(to: &decoded, resource)
                return decoded
            }, caller: caller)
    }
}

/// Where a service of the cluster can be reached from the master: its ready endpoints, then its own address. Pure.
enum ServicePlaces {
    static func find(service: JSON, slices: [JSON], port number: Int) -> [(host: String, port: Int)] {
        guard let port = service["spec"]["ports"].items.first(where: { $0["port"].int == number }) else { return [] }
        var places: [(host: String, port: Int)] = []
        for slice in slices {
            guard
                let target = slice["ports"].items.first(where: {
                    ($0["name"].string ?? "") == (port["name"].string ?? "")
                })?["port"].int
            else { continue }
            for endpoint in EndpointSlice(slice).endpoints where endpoint.isReady {
                places += endpoint.addresses.prefix(1).map { ($0, target) }
            }
        }
        if service["spec"]["type"] == "ExternalName", let host = service["spec"]["externalName"].string {
            return [(host, number)]
        }
        if let address = service["spec"]["clusterIP"].string, !address.isEmpty, address != "None" {
            places.append((address, number))
        }
        return places
    }
}
