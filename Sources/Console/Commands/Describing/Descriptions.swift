import Shared

/// What else a description shows beside the object itself, read before it is written.
struct DescribeContext: Sendable {
    var events: [JSON] = []
    /// Pods of a node or of an owner.
    var pods: [JSON] = []
    var replicaSets: [JSON] = []
    /// EndpointSlices of a service.
    var slices: [JSON] = []
    /// Of a node; nil where there is none.
    var lease: JSON?
    /// Quotas and limit ranges of a namespace.
    var quotas: [JSON] = []
    var limits: [JSON] = []
    /// Secrets beside a service account; whether they may be read at all.
    var secrets: [JSON] = []
    var knowsSecrets = true
    /// Services that an ingress leads to; why they can not be told.
    var services: [JSON] = []
    var backendProblem: String?
}

extension DescribeText {
    /// The whole description of one object.
    static func of(_ object: JSON, _ context: DescribeContext, zoneSeconds: Int, now: Timestamp) -> String {
        var text = DescribeText(zoneSeconds: zoneSeconds, now: now)
        let type = Object(object)
        switch (type.group, type.kind) {
        case ("", "Pod"): text.pod(object)
        case ("", "Node"): text.node(object, context)
        case ("", "Service"): text.service(object, context)
        case ("", "Namespace"):
            text.namespace(object, context)
            return text.text
        case ("", "ConfigMap"): text.configMap(object)
        case ("", "Secret"):
            text.secret(object)
            return text.text
        case ("apps", "Deployment"): text.deployment(object, context)
        case ("apps", "ReplicaSet"), ("", "ReplicationController"): text.replicaSet(object, context)
        case ("apps", "StatefulSet"): text.statefulSet(object, context)
        case ("apps", "DaemonSet"): text.daemonSet(object, context)
        case ("batch", "Job"): text.job(object)
        case ("batch", "CronJob"): text.cronJob(object)
        case ("autoscaling", _): text.autoscaler(object)
        case ("", "Endpoints"): text.endpoints(object)
        case ("discovery.k8s.io", "EndpointSlice"): text.endpointSlice(object)
        case ("networking.k8s.io", "Ingress"): text.ingress(object, context)
        case ("networking.k8s.io", "IngressClass"): text.ingressClass(object)
        case ("networking.k8s.io", "IPAddress"): text.ipAddress(object)
        case ("networking.k8s.io", "ServiceCIDR"): text.serviceCIDR(object)
        case ("", "PersistentVolume"): text.volume(object)
        case ("", "PersistentVolumeClaim"): text.claim(object, context)
        case ("storage.k8s.io", "StorageClass"): text.storageClass(object)
        case ("storage.k8s.io", "CSINode"): text.csiNode(object)
        case ("policy", "PodDisruptionBudget"): text.disruptionBudget(object)
        case ("scheduling.k8s.io", "PriorityClass"): text.priorityClass(object)
        case ("", "ServiceAccount"): text.serviceAccount(object, context)
        case ("certificates.k8s.io", "CertificateSigningRequest"): text.certificateRequest(object)
        default:
            guard text.withoutEvents(object) else {
                text.generic(object)
                break
            }
            return text.text
        }
        text.events(context.events)
        return text.text
    }

    /// Kinds whose description ends without events. False: none of them.
    private mutating func withoutEvents(_ object: JSON) -> Bool {
        let type = Object(object)
        switch (type.group, type.kind) {
        case ("networking.k8s.io", "NetworkPolicy"): networkPolicy(object)
        case ("", "ResourceQuota"): quota(object)
        case ("", "LimitRange"): limitRange(object)
        case ("rbac.authorization.k8s.io", "Role"), ("rbac.authorization.k8s.io", "ClusterRole"): role(object)
        case ("rbac.authorization.k8s.io", "RoleBinding"), ("rbac.authorization.k8s.io", "ClusterRoleBinding"):
            roleBinding(object)
        default: return false
        }
        return true
    }

    mutating func heading(_ object: JSON, isNamespaced: Bool = true) {
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        if isNamespaced { line(0, "Namespace:\t\(metadata.namespace)") }
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
    }

    private mutating func optional(_ title: String, _ value: JSON) {
        if !value.isNull, value.string != "" { line(0, "\(title):\t\(ServerTable.text(value))") }
    }
    private mutating func owner(_ object: JSON) {
        if let owner = Object(object).metadata.controller { line(0, "Controlled By:\t\(owner.kind)/\(owner.name)") }
    }
    static func selector(_ json: JSON) -> String {
        guard let selector = LabelSelector(json), !selector.isEmpty else { return "<none>" }
        let equal = json["matchLabels"].strings.map { (key: $0.key, text: "\($0.key)=\($0.value)") }
        // An expression is never written as the equation that it amounts to.
        let others = json["matchExpressions"].items.map { expression in
            let key = expression["key"].string ?? ""
            let values = expression["values"].items.compactMap(\.string).sorted().joined(separator: ",")
            let text =
                switch expression["operator"].string {
                case "In": "\(key) in (\(values))"
                case "NotIn": "\(key) notin (\(values))"
                case "DoesNotExist": "!\(key)"
                default: key
                }
            return (key: key, text: text)
        }
        return (equal + others).sorted { $0.key < $1.key }.map(\.text).joined(separator: ",")
    }

    private mutating func pod(_ pod: JSON) {
        let spec = pod["spec"], status = pod["status"]
        let metadata = Object(pod).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        optional("Priority", spec["priority"])
        optional("Priority Class Name", spec["priorityClassName"])
        optional("Runtime Class Name", spec["runtimeClassName"])
        optional("Service Account", spec["serviceAccountName"])
        let node = spec["nodeName"].string ?? ""
        line(0, "Node:\t" + (node.isEmpty ? "<none>" : "\(node)/\(status["hostIP"].string ?? "")"))
        if !status["startTime"].isNull { line(0, "Start Time:\t\(time(status["startTime"]))") }
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        if metadata.isDeleting {
            let gone = metadata.deletionTimestamp.map { now - $0 } ?? .zero
            line(
                0,
                "Status:\tTerminating "
                    + (gone < .zero ? "(expires \(time(metadata.json["deletionTimestamp"])))" : "(lasts \(gone.human))")
            )
            if let grace = metadata.deletionGracePeriodSeconds { line(0, "Termination Grace Period:\t\(grace)s") }
        } else {
            line(0, "Status:\t\(status["phase"].string ?? "")")
        }
        optional("Reason", status["reason"])
        optional("Message", status["message"])
        seccomp(0, spec["securityContext"]["seccompProfile"])
        line(0, "IP:\t\(status["podIP"].string ?? "")")
        let addresses = status["podIPs"].items.compactMap { $0["ip"].string }
        line(0, "IPs:" + (addresses.isEmpty ? "\t<none>" : ""))
        for address in addresses { line(1, "IP:\t\(address)") }
        owner(pod)
        optional("NominatedNodeName", status["nominatedNodeName"])
        for (title, key, statuses) in [
            ("Init Containers", "initContainers", "initContainerStatuses"),
            ("Containers", "containers", "containerStatuses"),
            ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
        ] where key == "containers" || !spec[key].items.isEmpty {
            containers(title, spec[key].items, statuses: status[statuses].items, pod: pod, indent: "")
        }
        let gates = spec["readinessGates"].items
        if !gates.isEmpty {
            line(0, "Readiness Gates:\n  Type\tStatus")
            for gate in gates {
                let type = gate["conditionType"].string ?? ""
                let state = status["conditions"].items.first { $0["type"].string == type }?["status"].string
                line(1, "\(type) \t\(state ?? "<none>") ")
            }
        }
        let conditions = status["conditions"].items
        if !conditions.isEmpty { line(0, "Conditions:\n  Type\tStatus") }
        for condition in conditions {
            line(1, "\(condition["type"].string ?? "") \t\(condition["status"].string ?? "") ")
        }
        volumes(spec["volumes"].items, indent: "")
        line(0, "QoS Class:\t\(status["qosClass"].string ?? DescribeText.quality(spec))")
        labels("Node-Selectors", spec["nodeSelector"].strings)
        tolerations("Tolerations", spec["tolerations"].items)
        spread("Topology Spread Constraints", spec["topologySpreadConstraints"].items)
    }

    /// The class of a pod whose status does not tell it. Source: `qos.ComputePodQOS`.
    private static func quality(_ spec: JSON) -> String {
        let containers = spec["containers"].items + spec["initContainers"].items
        func amounts(_ container: JSON, _ key: String) -> [String: String] {
            container["resources"][key].members.reduce(into: [:]) { all, member in
                let isPositive = Quantity(ServerTable.text(member.value)).map { !$0.isZero } ?? false
                if ["cpu", "memory"].contains(member.key), isPositive {
                    all[member.key] = ServerTable.text(member.value)
                }
            }
        }
        if containers.allSatisfy({ amounts($0, "requests").isEmpty && amounts($0, "limits").isEmpty }) {
            return "BestEffort"
        }
        let isGuaranteed = containers.allSatisfy { container in
            let limits = amounts(container, "limits"), requests = amounts(container, "requests")
            return limits.count == 2
                && requests.allSatisfy { limits[$0.key].flatMap { Quantity($0) } == Quantity($0.value) }
        }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }

    private mutating func deployment(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"], status = object["status"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        line(0, "CreationTimestamp:\t\(time(metadata.json["creationTimestamp"]))")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        line(0, "Selector:\t\(DescribeText.selector(spec["selector"]))")
        func count(_ key: String) -> Int { status[key].int ?? 0 }
        line(
            0,
            "Replicas:\t\(spec["replicas"].int ?? 1) desired | \(count("updatedReplicas")) updated | \(count("replicas")) total | "
                + "\(count("availableReplicas")) available | \(count("unavailableReplicas")) unavailable")
        line(0, "StrategyType:\t\(spec.at("strategy", "type").string ?? "")")
        line(0, "MinReadySeconds:\t\(spec["minReadySeconds"].int ?? 0)")
        let rolling = spec.at("strategy", "rollingUpdate")
        if !rolling.isNull {
            line(
                0,
                "RollingUpdateStrategy:\t\(ServerTable.text(rolling["maxUnavailable"])) max unavailable, "
                    + "\(ServerTable.text(rolling["maxSurge"])) max surge")
        }
        template(spec["template"])
        let conditions = status["conditions"].items
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus\tReason")
            line(1, "----\t------\t------")
        }
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "") \t\(condition["status"].string ?? "")\t\(condition["reason"].string ?? "")"
            )
        }
        let (new, old) = Rollouts.replicaSets(context.replicaSets, of: object)
        guard new != nil || !old.isEmpty else { return }
        func names(_ sets: [JSON]) -> String {
            sets.isEmpty
                ? "<none>"
                : sets.map { set in
                    "\(Object(set).name) (\(set.at("status", "replicas").int ?? 0)/\(set.at("spec", "replicas").int ?? 0) replicas created)"
                }.joined(separator: ", ")
        }
        line(0, "OldReplicaSets:\t\(names(old))")
        line(0, "NewReplicaSet:\t\(names(new.map { [$0] } ?? []))")
    }

    private mutating func podsStatus(_ pods: [JSON]) {
        func count(_ phase: String) -> Int { pods.count { $0.at("status", "phase").string == phase } }
        line(
            0,
            "Pods Status:\t\(count("Running")) Running / \(count("Pending")) Waiting / \(count("Succeeded")) Succeeded / "
                + "\(count("Failed")) Failed")
    }

    private mutating func replicaSet(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        let isController = Object(object).kind == "ReplicationController"
        line(
            0,
            "Selector:\t\(isController ? Labels.line(spec["selector"].strings) : DescribeText.selector(spec["selector"]))"
        )
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        owner(object)
        line(0, "Replicas:\t\(object.at("status", "replicas").int ?? 0) current / \(spec["replicas"].int ?? 1) desired")
        podsStatus(context.pods)
        template(spec["template"])
        let conditions = object.at("status", "conditions").items
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus\tReason")
            line(1, "----\t------\t------")
        }
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "") \t\(condition["status"].string ?? "")\t\(condition["reason"].string ?? "")"
            )
        }
    }

    private mutating func statefulSet(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        line(0, "CreationTimestamp:\t\(time(metadata.json["creationTimestamp"]))")
        line(0, "Selector:\t\(DescribeText.selector(spec["selector"]))")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        line(0, "Replicas:\t\(spec["replicas"].int ?? 1) desired | \(object.at("status", "replicas").int ?? 0) total")
        line(0, "Update Strategy:\t\(spec.at("updateStrategy", "type").string ?? "")")
        if let partition = spec.at("updateStrategy", "rollingUpdate", "partition").int {
            line(1, "Partition:\t\(partition)")
        }
        podsStatus(context.pods)
        template(spec["template"])
        let claims = spec["volumeClaimTemplates"].items
        line(0, "Volume Claims:" + (claims.isEmpty ? "\t<none>" : ""))
        for claim in claims {
            line(1, "Name:\t\(Object(claim).name)")
            line(1, "StorageClass:\t\(claim.at("spec", "storageClassName").string ?? "")")
            labels("  Labels", Object(claim).metadata.labels)
            let notes = Object(claim).metadata.annotations.sorted { $0.key < $1.key }
            pairs("  Annotations", notes.map { "\($0.key)=\($0.value)" })
            let storage = claim.at("spec", "resources", "requests", "storage")
            line(1, "Capacity:\t\(ServerTable.text(storage))")
            line(
                1,
                "Access Modes:\t[\(claim.at("spec", "accessModes").items.compactMap(\.string).joined(separator: " "))]")
        }
    }

    private mutating func daemonSet(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"], status = object["status"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Selector:\t\(DescribeText.selector(spec["selector"]))")
        line(0, "Node-Selector:\t\(Labels.line(spec.at("template", "spec", "nodeSelector").strings))")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        for (title, key) in [
            ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
            ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
            ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
            ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
            ("Number of Nodes Misscheduled", "numberMisscheduled"),
        ] { line(0, "\(title): \(status[key].int ?? 0)") }
        podsStatus(context.pods)
        template(spec["template"])
    }

    private mutating func job(_ object: JSON) {
        let spec = object["spec"], status = object["status"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        if !spec["selector"].isNull { line(0, "Selector:\t\(DescribeText.selector(spec["selector"]))") }
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        owner(object)
        optional("Parallelism", spec["parallelism"])
        line(0, "Completions:\t\(spec["completions"].int.map { "\($0)" } ?? "<unset>")")
        optional("Completion Mode", spec["completionMode"])
        optional("Suspend", spec["suspend"])
        optional("Backoff Limit", spec["backoffLimit"])
        optional("TTL Seconds After Finished", spec["ttlSecondsAfterFinished"])
        if !status["startTime"].isNull { line(0, "Start Time:\t\(time(status["startTime"]))") }
        if !status["completionTime"].isNull {
            line(0, "Completed At:\t\(time(status["completionTime"]))")
            if !status["startTime"].isNull {
                let times = ["startTime", "completionTime"].compactMap {
                    status[$0].string.flatMap { Timestamp(rfc3339: $0) }
                }
                line(0, "Duration:\t\(times.count == 2 ? (times[1] - times[0]).human : "<unknown>")")
            }
        }
        if let seconds = spec["activeDeadlineSeconds"].int { line(0, "Active Deadline Seconds:\t\(seconds)s") }
        let ready = status["ready"].int.map { " (\($0) Ready)" } ?? ""
        line(
            0,
            "Pods Statuses:\t\(status["active"].int ?? 0) Active\(ready) / \(status["succeeded"].int ?? 0) Succeeded / "
                + "\(status["failed"].int ?? 0) Failed")
        if spec["completionMode"] == "Indexed" {
            let indexes = status["completedIndexes"].string ?? ""
            line(0, "Completed Indexes:\t\(indexes.isEmpty ? "<none>" : indexes)")
        }
        template(spec["template"])
    }

    private mutating func service(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"]
        heading(object)
        line(0, "Selector:\t\(Labels.line(spec["selector"].strings))")
        line(0, "Type:\t\(spec["type"].string ?? "")")
        optional("IP Family Policy", spec["ipFamilyPolicy"])
        let families = spec["ipFamilies"].items.compactMap(\.string)
        line(0, "IP Families:\t\(families.isEmpty ? "<none>" : families.joined(separator: ","))")
        line(0, "IP:\t\(spec["clusterIP"].string ?? "")")
        let addresses = spec["clusterIPs"].items.compactMap(\.string)
        line(
            0,
            "IPs:\t"
                + (addresses.isEmpty
                    ? (spec["clusterIP"].string.flatMap { $0.isEmpty ? nil : $0 } ?? "<none>")
                    : addresses.joined(separator: ",")))
        let external = spec["externalIPs"].items.compactMap(\.string)
        if !external.isEmpty { line(0, "External IPs:\t\(external.joined(separator: ","))") }
        optional("Desired LoadBalancer IP", spec["loadBalancerIP"])
        optional("External Name", spec["externalName"])
        let ingress = object.at("status", "loadBalancer", "ingress").items.compactMap {
            $0["ip"].string ?? $0["hostname"].string
        }
        if !ingress.isEmpty { line(0, "LoadBalancer Ingress:\t\(ingress.joined(separator: ", "))") }
        for port in spec["ports"].items {
            let name = port["name"].string.flatMap { $0.isEmpty ? nil : $0 } ?? "<unset>"
            let transport = port["protocol"].string ?? "TCP"
            line(0, "Port:\t\(name)\t\(port["port"].int ?? 0)/\(transport)")
            line(0, "TargetPort:\t\(ServerTable.text(port["targetPort"]))/\(transport)")
            if let node = port["nodePort"].int, node != 0 { line(0, "NodePort:\t\(name)\t\(node)/\(transport)") }
            line(0, "Endpoints:\t\(DescribeText.endpoints(context.slices, port["name"].string ?? ""))")
        }
        line(0, "Session Affinity:\t\(spec["sessionAffinity"].string ?? "None")")
        optional("External Traffic Policy", spec["externalTrafficPolicy"])
        optional("Internal Traffic Policy", spec["internalTrafficPolicy"])
        if let port = spec["healthCheckNodePort"].int, port != 0 { line(0, "HealthCheck NodePort:\t\(port)") }
        let ranges = spec["loadBalancerSourceRanges"].items.compactMap(\.string)
        if !ranges.isEmpty { line(0, "LoadBalancer Source Ranges:\t\(ranges.joined(separator: ","))") }
    }

    /// Ready addresses of a port, at most three and a remark on the others. Source: kubectl's formatEndpointSlices.
    static func endpoints(_ slices: [JSON], _ port: String) -> String {
        guard !slices.isEmpty else { return "<none>" }
        var found: [String] = []
        for slice in slices {
            let ready = slice["endpoints"].items.filter { $0.at("conditions", "ready").bool ?? true }
                .compactMap { $0["addresses"][0].string }
            let ports = slice["ports"].items
            if ports.isEmpty { found += ready }
            for number in ports where (number["name"].string ?? "") == port {
                guard let value = number["port"].int else { continue }
                found += ready.map { "\($0.contains(":") ? "[\($0)]" : $0):\(value)" }
            }
        }
        let shown = found.prefix(3).joined(separator: ",")
        return found.count > 3 ? "\(shown) + \(found.count - 3) more..." : shown
    }

    private mutating func configMap(_ object: JSON) {
        heading(object)
        line(0, "\nData\n====")
        for (key, value) in object["data"].members.sorted() {
            line(0, "\(key):\n----\n\(value.string ?? "")\n")
        }
        line(0, "\nBinaryData\n====")
        for (key, value) in object["binaryData"].members.sorted() {
            line(0, "\(key): \(Base64.decode(value.string ?? "")?.count ?? 0) bytes")
        }
        line(0, "")
    }

    private mutating func secret(_ object: JSON) {
        heading(object)
        line(0, "\nType:\t\(object["type"].string ?? "")\n\nData\n====")
        for (key, value) in object["data"].members.sorted() {
            line(0, "\(key):\t\(Base64.decode(value.string ?? "")?.count ?? 0) bytes")
        }
    }

    private mutating func namespace(_ object: JSON, _ context: DescribeContext) {
        heading(object, isNamespaced: false)
        line(0, "Status:\t\(object.at("status", "phase").string ?? "")")
        let conditions = object.at("status", "conditions").items
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage")
            line(1, "----\t------\t------------------\t------\t-------")
        }
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "")\t\(condition["status"].string ?? "")\t\(time(condition["lastTransitionTime"]))\t"
                    + "\(condition["reason"].string ?? "")\t\(condition["message"].string ?? "")")
        }
        line(0, context.quotas.isEmpty ? "\nNo resource quota." : "\nResource Quotas")
        for quota in context.quotas.sorted(by: { Object($0).name < Object($1).name }) {
            line(1, "Name:\t\(Object(quota).name)")
            quotaBody(quota, level: 1, mark: "", rule: "---")
        }
        guard !context.limits.isEmpty else { return line(0, "\nNo LimitRange resource.") }
        line(
            0,
            "\nResource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
        line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
        for range in context.limits { limits(range, prefix: " ") }
    }
}
