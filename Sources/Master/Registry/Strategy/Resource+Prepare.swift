import Shared

extension Resource {
    /// Brings together fields that are two ways to say one thing, as reading an object does.
    func merge(_ object: inout JSON) {
        if groupResource.description == "secrets" { mergeStringData(&object) }
    }

    /// Makes what a client sent fit to be stored as a new object: no status, first generation.
    /// The identity (uid, creationTimestamp, resourceVersion) is the store's business.
    func prepareForCreate(_ object: inout JSON) {
        // An agent says what its node has when it makes it.
        let keepsStatus = groupResource.description == "nodes" && !object["status"].members.isEmpty
        if strategy.hasStatus, !keepsStatus { resetStatus(&object) }
        if strategy.tracksGeneration { object["metadata"]["generation"] = 1 }
        switch groupResource.description {
        case "namespaces":
            let finalizers = object["spec"]["finalizers"].items
            if !finalizers.contains("kubernetes") { object["spec"]["finalizers"] = .array(finalizers + ["kubernetes"]) }
            object["status"] = ["phase": "Active"]
        case "pods":
            object["status"] = ["phase": "Pending", "qosClass": .string(QualityOfService(pod: object).rawValue)]
            if !object["spec"]["schedulingGates"].items.isEmpty { noteGates(&object) }
        case "persistentvolumes": object["status"] = ["phase": "Pending"]
        case "persistentvolumeclaims":
            object["status"] = ["phase": "Pending"]
            sources(&object["spec"])
        case "secrets": mergeStringData(&object)
        case "jobs.batch": selectOwnPods(&object)
        case "daemonsets.apps": object["metadata"]["annotations"][Resource.templateGeneration] = "1"
        case "customresourcedefinitions.apiextensions.k8s.io": Resource.noteStoredVersion(&object)
        default: break
        }
        if object["status"].isNull { object.remove("status") }
    }

    /// Makes what a client sent fit to replace `old`: the status stays as it was, the generation follows the change.
    func prepareForUpdate(_ object: inout JSON, from old: JSON) {
        if strategy.hasStatus { object.set("status", old.object?["status"]) }
        switch groupResource.description {
        case "namespaces": object.set("spec", old.object?["spec"])
        case "secrets": mergeStringData(&object)
        case "services": keepAllocations(&object["spec"], from: old["spec"])
        case "daemonsets.apps":
            let generation = old["metadata"]["annotations"][Resource.templateGeneration].string.flatMap { Int($0) } ?? 0
            let isSame = object["spec"]["template"] == old["spec"]["template"]
            object["metadata"]["annotations"][Resource.templateGeneration] = .string(
                String(isSame ? generation : generation &+ 1))
        case "customresourcedefinitions.apiextensions.k8s.io": Resource.noteStoredVersion(&object)
        case "pods":
            object["spec"].set("ephemeralContainers", old["spec"].object?["ephemeralContainers"])
        default: break
        }
        keepSystemMetadata(&object, from: old)
        guard strategy.tracksGeneration else { return }
        let generation = old["metadata"]["generation"].int ?? 0
        object["metadata"]["generation"] = JSON(
            specification(of: object) == specification(of: old) ? generation : generation + 1)
        if object["metadata"]["generation"] == 0 { object["metadata"].remove("generation") }
    }

    /// Makes what a client sent to `status` fit: the specification stays as it was, and of most kinds nothing else.
    func prepareForStatusUpdate(_ object: inout JSON, from old: JSON) {
        var result = old
        result.set("status", object.object?["status"])
        var metadata = object["metadata"]
        for key in fixedByStatus { metadata.set(key, old["metadata"].object?[key]) }
        result["metadata"] = metadata
        object = result
        keepSystemMetadata(&object, from: old)
    }

    /// The metadata that a write of the status can not change.
    var fixedByStatus: [String] {
        switch groupResource.description {
        case "pods": ["ownerReferences"]
        case "deployments.apps": ["labels"]
        case "apiservices.apiregistration.k8s.io", "customresourcedefinitions.apiextensions.k8s.io",
            "volumeattachments.storage.k8s.io":
            ["labels", "annotations", "finalizers", "ownerReferences"]
        default: schemaType == nil ? ["labels", "annotations", "finalizers", "ownerReferences"] : []
        }
    }

    /// What a client cannot change about an object's identity.
    private func keepSystemMetadata(_ object: inout JSON, from old: JSON) {
        for key in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"] {
            object["metadata"].set(key, old["metadata"].object?[key])
        }
        if object["metadata"]["uid"].string ?? "" == "" {
            object["metadata"].set("uid", old["metadata"].object?["uid"])
        }
    }

    /// The part of an object whose change counts as a new generation.
    private func specification(of object: JSON) -> JSON {
        if let custom { return Resource.content(of: object, withoutStatus: custom.hasStatus) }
        switch groupResource.description {
        // A Deployment's annotations go down to its replica sets: their change is one to act upon.
        case "deployments.apps":
            return ["spec": object["spec"], "annotations": JSON(ObjectMeta(object["metadata"]).annotations)]
        case "endpointslices.discovery.k8s.io": return ["endpoints": object["endpoints"], "ports": object["ports"]]
        case "priorityclasses.scheduling.k8s.io": return ["value": object["value"], "default": object["globalDefault"]]
        case "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io":
            return object["webhooks"]
        default: return object["spec"]
        }
    }

    /// A pod that is held back says so from the start. Source: KEP-3521.
    private func noteGates(_ pod: inout JSON) {
        pod["status"]["conditions"] = [
            [
                "type": "PodScheduled", "status": "False", "lastProbeTime": .null,
                "lastTransitionTime": pod["metadata"]["creationTimestamp"], "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            ]
        ]
    }

    /// A custom object without its type and metadata, and without the status where that is written apart.
    private static func content(of object: JSON, withoutStatus: Bool) -> JSON {
        .object(
            JSON.Members(
                object.members.filter { key, _ in
                    !StructuralSchema.embeddedKeys.contains(key) && !(withoutStatus && key == "status")
                }.map { ($0.key, $0.value) }))
    }

    /// Versions of a definition in which objects may be stored: those noted before and the present one.
    private static func noteStoredVersion(_ definition: inout JSON) {
        let storage = definition["spec"]["versions"].items.first { $0["storage"] == true }?["name"].string
        var stored = definition["status"]["storedVersions"].items.compactMap(\.string)
        if let storage, !stored.contains(storage) { stored.append(storage) }
        definition["status"]["storedVersions"] = JSON(stored)
    }

    /// What the cluster has given to a service stays when its writer leaves it out.
    private func keepAllocations(_ spec: inout JSON, from old: JSON) {
        dropDependents(&spec, from: old)
        guard spec["type"] != "ExternalName", old["type"] != "ExternalName" else { return }
        if spec["clusterIP"].isNull { spec.set("clusterIP", old.object?["clusterIP"]) }
        // Who knows only of the one address means the first of the list with it. Source: `normalizeClusterIPs`.
        if spec["clusterIP"] != old["clusterIP"], spec["clusterIPs"] == old["clusterIPs"],
            case .array(var all) = spec["clusterIPs"], !all.isEmpty
        {
            all[0] = spec["clusterIP"]
            spec["clusterIPs"] = .array(all)
        }
        if spec["clusterIPs"].isNull, spec["clusterIP"] == old["clusterIP"] {
            for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec[key].isNull {
                spec.set(key, old.object?[key])
            }
        }
        guard ["NodePort", "LoadBalancer"].contains(spec["type"].string ?? ""), case .array(var ports) = spec["ports"]
        else { return }
        for index in ports.indices where (ports[index]["nodePort"].int ?? 0) == 0 {
            let port = ports[index]
            let before = old["ports"].items.first {
                $0["port"] == port["port"] && ($0["protocol"].string ?? "TCP") == (port["protocol"].string ?? "TCP")
            }
            if let number = before?["nodePort"].int, number != 0 { ports[index]["nodePort"] = JSON(number) }
        }
        spec["ports"] = .array(ports)
    }

    /// A claim's `dataSource` can be a claim or a snapshot, anything else in it counts for nothing; what is in it or in
    /// `dataSourceRef` alone is in both. Source: `normalizeDataSources`, `EnforceDataSourceBackwardsCompatibility`.
    private func sources(_ spec: inout JSON) {
        let source = spec["dataSource"]
        if !source.isNull {
            let group = source["apiGroup"].string ?? ""
            let isKnown =
                group.isEmpty && source["kind"] == "PersistentVolumeClaim"
                || group == "snapshot.storage.k8s.io" && source["kind"] == "VolumeSnapshot"
            if !isKnown { spec.remove("dataSource") }
        }
        if spec["dataSourceRef"].isNull {
            spec.set("dataSourceRef", spec.object?["dataSource"])
        } else if spec["dataSource"].isNull, spec["dataSourceRef"]["namespace"].isNull {
            let reference = spec["dataSourceRef"]
            let isClaim = (reference["apiGroup"].string ?? "").isEmpty && reference["kind"] == "PersistentVolumeClaim"
            if isClaim || reference["kind"] == "VolumeSnapshot" { spec["dataSource"] = reference }
        }
    }

    /// A definition remembers every version that objects may have been stored in.
    private func noteStoredVersion(_ definition: inout JSON) {
        let stored = definition["status"]["storedVersions"].items
        for version in definition["spec"]["versions"].items where version["storage"] == true {
            guard !stored.contains(version["name"]) else { continue }
            definition["status"]["storedVersions"] = .array(stored + [version["name"]])
        }
    }

    /// What only fits to the type that a service had goes with it, unless its writer has changed it as well.
    /// Source: `dropTypeDependentFields`.
    private func dropDependents(_ spec: inout JSON, from old: JSON) {
        let isPublic = { (spec: JSON) in
            ["NodePort", "LoadBalancer"].contains(spec["type"].string ?? "")
                || spec["type"] == "ClusterIP" && !spec["externalIPs"].items.isEmpty
        }
        func drop(_ key: String, when isGone: Bool) {
            if isGone, spec[key] == old[key] { spec.remove(key) }
        }
        drop("externalTrafficPolicy", when: !isPublic(spec) && isPublic(old))
        drop("allocateLoadBalancerNodePorts", when: spec["type"] != "LoadBalancer" && old["type"] == "LoadBalancer")
        drop("loadBalancerClass", when: spec["type"] != "LoadBalancer" && old["type"] == "LoadBalancer")
        drop("internalTrafficPolicy", when: spec["type"] == "ExternalName")
        guard !["NodePort", "LoadBalancer"].contains(spec["type"].string ?? ""),
            ["NodePort", "LoadBalancer"].contains(old["type"].string ?? ""), case .array(var ports) = spec["ports"]
        else { return }
        let numbers = { (spec: JSON) in Set(spec["ports"].items.compactMap { $0["nodePort"].int }.filter { $0 != 0 }) }
        guard numbers(spec) == numbers(old) else { return }
        for index in ports.indices { ports[index].remove("nodePort") }
        spec["ports"] = .array(ports)
    }

    /// An annotation by which old clients count the templates of a DaemonSet.
    private static let templateGeneration = "deprecated.daemonset.template.generation"

    /// A job knows its pods by its own uid, unless its writer chose the selector. The uid has to be there. What a writer
    /// has put in the same places stays, and is refused by validation.
    private func selectOwnPods(_ job: inout JSON) {
        guard job["spec"]["manualSelector"] != true, let uid = job["metadata"].object?["uid"] else { return }
        let name = job["metadata"]["name"]
        let labels = [
            ("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name),
            ("controller-uid", uid), ("job-name", name),
        ]
        for (key, value) in labels where job["spec"]["template"]["metadata"]["labels"][key].isNull {
            job["spec"]["template"]["metadata"]["labels"][key] = value
        }
        if job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"].isNull {
            job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid
        }
    }

    private func resetStatus(_ object: inout JSON) {
        object.remove("status")
        if let schemaType, let type = Schema.type(schemaType) {
            object["status"] = type.zero["status"]
        }
    }

    private func mergeStringData(_ object: inout JSON) {
        guard case .object(let texts) = object.remove("stringData") ?? .null else { return }
        for (key, value) in texts { object["data"][key] = .string(Base64.encode(Array((value.string ?? "").utf8))) }
    }
}
