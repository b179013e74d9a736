import Shared

/// The values that the API gives to fields which a client left out. Source: Kubernetes's `defaults.go` files.
enum Defaults {
    /// Fills in `object`, which has been decoded with its schema. Applying it twice changes nothing.
    static func apply(to object: inout JSON, _ resource: Resource) {
        switch resource.groupResource.description {
        case "pods": pod(&object)
        case "podtemplates": template(&object["template"])
        case "replicationcontrollers": replicationController(&object)
        case "services": service(&object["spec"])
        case "endpoints":
            each(&object, "subsets") { each(&$0, "ports") { $0.fill("protocol", "TCP") } }
        case "namespaces":
            object["status"].fill("phase", "Active")
            if let name = object["metadata"]["name"].string, !name.isEmpty {
                object["metadata"]["labels"]["kubernetes.io/metadata.name"] = .string(name)
            }
        case "nodes":
            if object["status"]["allocatable"].isNull, let capacity = object["status"].object?["capacity"] {
                object["status"]["allocatable"] = capacity
            }
        case "secrets": object.fill("type", "Opaque")
        case "persistentvolumes": volume(&object)
        case "persistentvolumeclaims":
            object["spec"].fill("volumeMode", "Filesystem")
            object["status"].fill("phase", "Pending")
        case "limitranges": limitRange(&object)
        case "deployments.apps": deployment(&object["spec"])
        case "replicasets.apps":
            object["spec"].fill("replicas", 1)
            template(&object["spec"]["template"])
        case "daemonsets.apps": daemonSet(&object["spec"])
        case "statefulsets.apps": statefulSet(&object["spec"])
        case "jobs.batch":
            job(&object["spec"])
            if object["metadata"]["labels"].members.isEmpty {
                object["metadata"].set("labels", object["spec"]["template"]["metadata"].object?["labels"])
            }
        case "cronjobs.batch": cronJob(&object["spec"])
        default: other(resource, &object)
        }
    }

    /// Changes every item of the list `key`.
    static func each(_ object: inout JSON, _ key: String, _ change: (inout JSON) -> Void) {
        guard case .array(var items) = object[key] else { return }
        for index in items.indices { change(&items[index]) }
        object[key] = .array(items)
    }

    private static func replicationController(_ object: inout JSON) {
        let labels = object["spec"]["template"]["metadata"]["labels"]
        if !labels.members.isEmpty {
            if object["spec"]["selector"].members.isEmpty { object["spec"]["selector"] = labels }
            if object["metadata"]["labels"].members.isEmpty { object["metadata"]["labels"] = labels }
        }
        object["spec"].fill("replicas", 1)
        if !object["spec"]["template"].isNull { template(&object["spec"]["template"]) }
    }

    private static func service(_ spec: inout JSON) {
        spec.fill("sessionAffinity", "None")
        spec.fill("type", "ClusterIP")
        if spec["sessionAffinity"] == "None" {
            spec.remove("sessionAffinityConfig")
        } else if spec["sessionAffinity"] == "ClientIP",
            spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].isNull
        {
            spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] = 10_800
        }
        each(&spec, "ports") { port in
            port.fill("protocol", "TCP")
            if port["targetPort"].isNull || port["targetPort"] == 0 || port["targetPort"] == "" {
                port["targetPort"] = port["port"]
            }
        }
        let type = spec["type"].string ?? ""
        let isExternal = type == "NodePort" || type == "LoadBalancer"
        if isExternal || type == "ClusterIP" && !spec["externalIPs"].items.isEmpty {
            spec.fill("externalTrafficPolicy", "Cluster")
        }
        if isExternal || type == "ClusterIP" { spec.fill("internalTrafficPolicy", "Cluster") }
        if type == "LoadBalancer" { spec.fill("allocateLoadBalancerNodePorts", true) }
    }

    private static func volume(_ object: inout JSON) {
        object["spec"].fill("persistentVolumeReclaimPolicy", "Retain")
        object["spec"].fill("volumeMode", "Filesystem")
        object["status"].fill("phase", "Pending")
        source(&object["spec"])
    }

    private static func limitRange(_ object: inout JSON) {
        each(&object["spec"], "limits") { limit in
            guard limit["type"] == "Container" else { return }
            copyMissing(&limit, "default", from: "max")
            copyMissing(&limit, "defaultRequest", from: "default")
            copyMissing(&limit, "defaultRequest", from: "min")
        }
    }
    private static func copyMissing(_ limit: inout JSON, _ target: String, from source: String) {
        for (key, value) in limit[source].members where limit[target][key].isNull { limit[target][key] = value }
    }

    private static func deployment(_ spec: inout JSON) {
        spec.fill("replicas", 1)
        spec["strategy"].fill("type", "RollingUpdate")
        if spec["strategy"]["type"] == "RollingUpdate" {
            spec["strategy"]["rollingUpdate"].fill("maxUnavailable", "25%")
            spec["strategy"]["rollingUpdate"].fill("maxSurge", "25%")
        }
        spec.fill("revisionHistoryLimit", 10)
        spec.fill("progressDeadlineSeconds", 600)
        template(&spec["template"])
    }

    private static func daemonSet(_ spec: inout JSON) {
        spec["updateStrategy"].fill("type", "RollingUpdate")
        if spec["updateStrategy"]["type"] == "RollingUpdate" {
            spec["updateStrategy"]["rollingUpdate"].fill("maxUnavailable", 1)
            spec["updateStrategy"]["rollingUpdate"].fill("maxSurge", 0)
        }
        spec.fill("revisionHistoryLimit", 10)
        template(&spec["template"])
    }

    private static func statefulSet(_ spec: inout JSON) {
        spec.fill("podManagementPolicy", "OrderedReady")
        if spec["updateStrategy"]["type"].string ?? "" == "" {
            spec["updateStrategy"]["type"] = "RollingUpdate"
            if spec["updateStrategy"]["rollingUpdate"].isNull { spec["updateStrategy"]["rollingUpdate"] = [:] }
        }
        if !spec["updateStrategy"]["rollingUpdate"].isNull {
            spec["updateStrategy"]["rollingUpdate"].fill("partition", 0)
        }
        spec["persistentVolumeClaimRetentionPolicy"].fill("whenDeleted", "Retain")
        spec["persistentVolumeClaimRetentionPolicy"].fill("whenScaled", "Retain")
        spec.fill("replicas", 1)
        spec.fill("revisionHistoryLimit", 10)
        template(&spec["template"])
        each(&spec, "volumeClaimTemplates") { claim in
            claim.fill("kind", "PersistentVolumeClaim")
            claim.fill("apiVersion", "v1")
            claim["spec"].fill("volumeMode", "Filesystem")
            claim["status"].fill("phase", "Pending")
        }
    }

    private static func job(_ spec: inout JSON) {
        if spec["completions"].isNull, spec["parallelism"].isNull { spec["completions"] = 1 }
        spec.fill("parallelism", 1)
        spec.fill("backoffLimit", spec["backoffLimitPerIndex"].isNull ? 6 : 2_147_483_647)
        spec.fill("completionMode", "NonIndexed")
        spec.fill("suspend", false)
        spec.fill("podReplacementPolicy", spec["podFailurePolicy"].isNull ? "TerminatingOrFailed" : "Failed")
        spec.fill("manualSelector", false)
        if !spec["podFailurePolicy"].isNull {
            each(&spec["podFailurePolicy"], "rules") { each(&$0, "onPodConditions") { $0.fill("status", "True") } }
        }
        template(&spec["template"])
    }

    private static func cronJob(_ spec: inout JSON) {
        spec.fill("concurrencyPolicy", "Allow")
        spec.fill("suspend", false)
        spec.fill("successfulJobsHistoryLimit", 3)
        spec.fill("failedJobsHistoryLimit", 1)
        // The job inside gets its own defaults when it is created; its pods get theirs here, as in Kubernetes.
        template(&spec["jobTemplate"]["spec"]["template"])
    }
}

extension JSON {
    /// Sets a member that is absent or an empty text.
    mutating func fill(_ key: String, _ value: JSON) {
        let now = self[key]
        if now.isNull || now == "" { self[key] = value }
    }
}
